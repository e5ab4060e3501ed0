//! Files in and out: with the command line, the only code that touches a disk.

pub(crate) mod cell;
pub mod csv;
mod decimal;
pub mod expected;
pub mod figures;
mod header;
mod keys;
pub mod output;
pub mod policy;
pub(crate) mod records;
pub mod text;
pub mod write;

pub use cell::parse_date;
