//! Data files, reference interpreter, batch engine and explanations for .pol policies.
