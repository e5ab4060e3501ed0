//! Files in and out: with the command line, the only code that touches a disk.

mod arrow;
pub(crate) mod block;
pub(crate) mod cell;
pub mod csv;
pub mod data;
mod decimal;
mod excel;
mod excel_out;
pub mod expected;
pub mod figures;
mod float;
pub mod guard;
mod header;
mod ipc;
mod json_lines;
mod keys;
pub mod output;
mod parquet;
mod parquet_out;
mod pieces;
pub mod policy;
mod reader;
pub(crate) mod records;
mod request;
mod spill;
mod spool;
pub mod stream;
mod table;
pub mod text;
mod typed;
pub mod versions;
mod widen;
pub mod write;
pub mod writer;

pub use cell::parse_date;
