//! Names, types, units, dates, lowering and code generation for .pol policies.
