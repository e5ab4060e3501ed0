//! Data files, reference interpreter, batch engine and explanations for .pol policies.

pub mod table;
