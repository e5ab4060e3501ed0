//! From functions to executable memory, and its life.

use cranelift::codegen::{self, settings::Configurable as _};
use cranelift::frontend::FunctionBuilderContext;
use cranelift::jit::{JITBuilder, JITModule};
use cranelift::module::{Linkage, Module as _, default_libcall_names};

use super::{Block, Effort, emit};

/// Why a kernel has no machine code.
#[derive(Debug)]
pub struct CompileError(String);

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}

fn failed(error: impl std::fmt::Display) -> CompileError {
    CompileError(error.to_string())
}

type Function = unsafe extern "C" fn(*const u8, *mut u8, i64);

/// Executable memory and its entry point.
pub struct Code {
    module: Option<JITModule>,
    function: Function,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

#[expect(unsafe_code, reason = "machine code is shared between threads")]
// SAFETY: after `finalize_definitions` the module is never touched again until it is freed; the code itself is read-only
// and keeps no state.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // Dropping a module leaks its code on purpose.
            #[expect(unsafe_code, reason = "frees machine code")]
            // SAFETY: `run` borrows `self`, so no call is under way, and the pointer dies with `self`.
            unsafe {
                module.free_memory();
            }
        }
    }
}

impl Code {
    /// Runs the kernel; the caller has checked the sizes of the blocks.
    pub fn run(&self, input: &Block, output: &mut Block, rows: usize) {
        #[expect(unsafe_code, reason = "calls machine code")]
        // SAFETY: the function was emitted with this signature; it reads and writes only the slots of the layout, for
        // as many rows as a block has at most, and the caller has checked that the blocks hold them. It has nothing that traps.
        unsafe {
            (self.function)(input.0.as_ptr().cast(), output.0.as_mut_ptr().cast(), rows as i64);
        }
    }
}

impl Block {
    pub(super) fn all(&self) -> &[u8] {
        #[expect(unsafe_code, reason = "views words as bytes")]
        // SAFETY: any byte is valid, the length is that of the words, and u8 has no alignment.
        unsafe {
            std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16)
        }
    }

    pub(super) fn all_mut(&mut self) -> &mut [u8] {
        #[expect(unsafe_code, reason = "views words as bytes")]
        // SAFETY: as for `all`; any bytes make valid words.
        unsafe {
            std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16)
        }
    }
}

/// Compiles a kernel; also says how many bytes of code it takes.
pub fn compile(work: &emit::Work<'_>, effort: Effort) -> Result<(Code, usize), CompileError> {
    let mut flags = codegen::settings::builder();
    let (level, allocation) = match effort {
        Effort::Quick => ("none", "single_pass"),
        Effort::Careful => ("speed", "backtracking"),
    };
    flags.set("opt_level", level).map_err(failed)?;
    flags.set("regalloc_algorithm", allocation).map_err(failed)?;
    flags.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }).map_err(failed)?;
    flags.set("is_pic", "false").map_err(failed)?;
    flags.set("use_colocated_libcalls", "false").map_err(failed)?;
    let isa =
        cranelift::native::builder().map_err(failed)?.finish(codegen::settings::Flags::new(flags)).map_err(failed)?;
    let mut module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
    let mut context = module.make_context();
    let mut builder_context = FunctionBuilderContext::new();
    emit::function(work, &mut context.func, &mut builder_context, &module);
    let id = module.declare_function("kernel", Linkage::Export, &context.func.signature).map_err(failed)?;
    module.define_function(id, &mut context).map_err(|error| CompileError(format!("{error:?}")))?;
    let bytes = context.compiled_code().map_or(0, |code| code.code_buffer().len());
    module.finalize_definitions().map_err(failed)?;
    let address = module.get_finalized_function(id);
    #[expect(unsafe_code, reason = "an address becomes a function")]
    // SAFETY: the address is that of the function just finalised, emitted with exactly this signature.
    let function = unsafe { std::mem::transmute::<*const u8, Function>(address) };
    Ok((Code { module: Some(module), function }, bytes))
}
