//! Reads the index of the figures of the texts that stands beside a policy.

use std::fs;
use std::io;
use std::path::Path;

use crate::coverage::index::{DEDUCED, INDEX, Index, IndexFiles, OUT_OF_SCOPE};
use crate::diagnostics::{Problems, unreadable_data};

/// The index in the folder of a policy; `None` where there is none, or where the policy is one file.
///
/// # Errors
/// When a file of the index cannot be read, or holds something else.
pub fn load(policy: &Path) -> Result<Option<Index>, Problems> {
    let read = |name: &str| -> Result<Option<(String, String)>, Problems> {
        let path = policy.join(name);
        let shown = path.to_string_lossy().into_owned();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some((shown, text))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(unreadable_data(&shown.into(), &error).into()),
        }
    };
    let Some(index) = read(INDEX)? else { return Ok(None) };
    let files = IndexFiles { index, out_of_scope: read(OUT_OF_SCOPE)?, deduced: read(DEDUCED)? };
    Index::parse(&files).map(Some)
}
