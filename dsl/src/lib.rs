//! The `.pol` language as text: sources and positions, grammar, syntax tree, diagnostics.
//!
//! This crate knows no types, units or dates, touches no file, and only [`parse`] knows pest.

pub mod ast;
pub mod diagnostic;
pub mod format;
mod parser;
mod source;
mod span;
pub mod visit;

pub use parser::{MAX_NESTING, parse};
pub use source::{MAX_FILE_BYTES, SourceFile, SourceMap};
pub use span::{FileId, Span, Spanned};
