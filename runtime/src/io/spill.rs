//! Rows and results that wait on disk, in files without a name: nothing is left of them, whatever ends the program.
//!
//! The bytes are read by the run that wrote them, and by nothing else: no version, no portability.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use num_bigint::BigInt;
use polc_compiler::num::Ratio;
use polc_compiler::typed::{InputId, Program};

use crate::table::{
    Batch, Column, ColumnData, Denominators, Flags, Integers, Numbers, ResultColumn, ResultValues, each,
};

/// A file without a name, shared by as many lists of frames as are needed: a program may have few files open.
#[derive(Clone, Debug)]
pub(crate) struct Heap(Arc<Mutex<(File, u64)>>);

/// Frames, in the order in which they were written.
#[derive(Debug)]
pub(crate) struct Spill {
    heap: Heap,
    /// Where each is, and its length.
    frames: Vec<(u64, usize)>,
    next: usize,
}

impl Heap {
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new((tempfile::tempfile()?, 0)))))
    }

    pub fn spill(&self) -> Spill {
        Spill { heap: self.clone(), frames: Vec::new(), next: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, (File, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spill {
    pub fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let mut heap = self.heap.lock();
        let (file, end) = &mut *heap;
        file.seek(SeekFrom::Start(*end))?;
        file.write_all(frame)?;
        self.frames.push((*end, frame.len()));
        *end += frame.len() as u64;
        Ok(())
    }

    /// The next frame; `None` after the last.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((start, length)) = self.frames.get(self.next).copied() else { return Ok(None) };
        self.next += 1;
        let mut frame = vec![0; length];
        let mut heap = self.heap.lock();
        heap.0.seek(SeekFrom::Start(start))?;
        heap.0.read_exact(&mut frame)?;
        Ok(Some(frame))
    }

    /// Begins again with the first frame.
    pub fn rewind(&mut self) {
        self.next = 0;
    }
}

/// Some rows of a batch, with the rank of each in the whole file.
pub(crate) fn put_rows(out: &mut Vec<u8>, ranks: &[u64], batch: &Batch, rows: &[usize]) {
    put_all(out, ranks.iter().map(|rank| rank.to_le_bytes()));
    for column in batch.columns.iter().flatten() {
        put_column(out, &column.select(rows));
    }
}

/// Appends rows to a batch with the same columns.
pub(crate) fn take_rows(frame: &[u8], program: &Program, ranks: &mut Vec<u64>, batch: &mut Batch) -> io::Result<()> {
    let mut bytes = Bytes(frame);
    let more: Vec<u64> = bytes.all(u64::from_le_bytes)?;
    batch.rows += more.len();
    ranks.extend(more);
    for (rank, column) in batch.columns.iter_mut().enumerate() {
        let Some(column) = column else { continue };
        let mut cells = Column::with_capacity(program.input(InputId(rank as u32)), 0);
        take_column(&mut bytes, &mut cells)?;
        column.append(&cells);
    }
    Ok(())
}

/// The results of consecutive rows of a partition.
pub(crate) fn put_results(out: &mut Vec<u8>, ranks: &[u64], columns: &[ResultColumn], rows: std::ops::Range<usize>) {
    put_all(out, ranks[rows.clone()].iter().map(|rank| rank.to_le_bytes()));
    for column in columns {
        put_flags(out, &column.present[rows.clone()]);
        match &column.values {
            ResultValues::Boolean(cells) => put_flags(out, &cells[rows.clone()]),
            ResultValues::Date(cells) => put_all(out, cells[rows.clone()].iter().map(|cell| cell.to_le_bytes())),
            ResultValues::Case(cells) => put_all(out, cells[rows.clone()].iter().map(|cell| cell.to_le_bytes())),
            ResultValues::Text(cells) => put_texts(out, &cells[rows.clone()]),
            ResultValues::Number(numbers) => {
                put_integers(out, &numbers.numerators, rows.clone());
                if let Denominators::PerRow(cells) = &numbers.denominators {
                    put_integers(out, cells, rows.clone());
                }
                let large: Vec<(&usize, &Ratio)> = numbers.large.range(rows.clone()).collect();
                out.extend_from_slice(&(large.len() as u64).to_le_bytes());
                for (row, value) in large {
                    out.extend_from_slice(&((row - rows.start) as u64).to_le_bytes());
                    put_bytes(out, &value.numer().to_signed_bytes_le());
                    put_bytes(out, &value.denom().to_signed_bytes_le());
                }
            }
        }
    }
}

/// Results as they were put; `like` has columns of the same types.
pub(crate) fn take_results(frame: &[u8], like: &[ResultColumn]) -> io::Result<(Vec<u64>, Vec<ResultColumn>)> {
    let mut bytes = Bytes(frame);
    let ranks = bytes.all(u64::from_le_bytes)?;
    let mut columns = Vec::with_capacity(like.len());
    for column in like {
        let present = bytes.flags()?;
        let values = match &column.values {
            ResultValues::Boolean(_) => ResultValues::Boolean(bytes.flags()?),
            ResultValues::Date(_) => ResultValues::Date(bytes.all(i32::from_le_bytes)?),
            ResultValues::Case(_) => ResultValues::Case(bytes.all(u16::from_le_bytes)?),
            ResultValues::Text(_) => {
                let mut cells = Vec::new();
                bytes.texts(&mut cells)?;
                ResultValues::Text(cells)
            }
            ResultValues::Number(numbers) => {
                let numerators = bytes.integers()?;
                let denominators = match &numbers.denominators {
                    Denominators::Constant(denominator) => Denominators::Constant(*denominator),
                    Denominators::PerRow(_) => Denominators::PerRow(bytes.integers()?),
                };
                let mut large = BTreeMap::new();
                for _ in 0..bytes.count()? {
                    let row = bytes.count()?;
                    let numerator = BigInt::from_signed_bytes_le(bytes.slice()?);
                    let denominator = BigInt::from_signed_bytes_le(bytes.slice()?);
                    large.insert(row, Ratio::new(numerator, denominator));
                }
                ResultValues::Number(Numbers { numerators, denominators, large })
            }
        };
        columns.push(ResultColumn { present, values });
    }
    Ok((ranks, columns))
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    put_bits(out, &column.missing);
    match &column.data {
        ColumnData::Number(cells) => put_integers(out, cells, 0..cells.len()),
        ColumnData::Boolean(cells) => put_bits(out, cells),
        ColumnData::Date(cells) => put_all(out, cells.iter().map(|cell| cell.to_le_bytes())),
        ColumnData::Case(cells) => put_all(out, cells.iter().map(|cell| cell.to_le_bytes())),
        ColumnData::Text(cells) => put_texts(out, cells),
    }
}

fn take_column(bytes: &mut Bytes<'_>, column: &mut Column) -> io::Result<()> {
    column.missing = bytes.bits()?;
    match &mut column.data {
        ColumnData::Number(cells) => *cells = bytes.integers()?,
        ColumnData::Boolean(cells) => *cells = bytes.bits()?,
        ColumnData::Date(cells) => *cells = bytes.all(i32::from_le_bytes)?,
        ColumnData::Case(cells) => *cells = bytes.all(u16::from_le_bytes)?,
        ColumnData::Text(cells) => bytes.texts(cells)?,
    }
    Ok(())
}

fn put_all<const N: usize>(out: &mut Vec<u8>, cells: impl ExactSizeIterator<Item = [u8; N]>) {
    out.extend_from_slice(&(cells.len() as u64).to_le_bytes());
    cells.for_each(|cell| out.extend_from_slice(&cell));
}

fn put_flags(out: &mut Vec<u8>, flags: &[bool]) {
    put_all(out, flags.iter().map(|flag| [u8::from(*flag)]));
}

/// Some of a list of integers, after their width.
fn put_integers(out: &mut Vec<u8>, integers: &Integers, range: std::ops::Range<usize>) {
    out.push(integers.width() as u8);
    each!(integers, list => put_all(out, list[range].iter().map(|cell| cell.to_le_bytes())));
}

fn put_bits(out: &mut Vec<u8>, flags: &Flags) {
    out.extend_from_slice(&(flags.len() as u64).to_le_bytes());
    put_bytes(out, flags.bytes());
}

fn put_texts(out: &mut Vec<u8>, texts: &[Arc<str>]) {
    out.extend_from_slice(&(texts.len() as u64).to_le_bytes());
    texts.iter().for_each(|text| put_bytes(out, text.as_bytes()));
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What is left to read of a frame.
struct Bytes<'f>(&'f [u8]);

impl<'f> Bytes<'f> {
    fn take(&mut self, length: usize) -> io::Result<&'f [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn count(&mut self) -> io::Result<usize> {
        let bytes: [u8; 8] = self.take(8)?.try_into().map_err(|_| io::ErrorKind::InvalidData)?;
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn slice(&mut self) -> io::Result<&'f [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    fn all<const N: usize, T>(&mut self, read: impl Fn([u8; N]) -> T) -> io::Result<Vec<T>> {
        let count = self.count()?;
        let bytes = self.take(count.checked_mul(N).ok_or(io::ErrorKind::InvalidData)?)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|cell| read(*cell)).collect())
    }

    fn texts(&mut self, cells: &mut Vec<Arc<str>>) -> io::Result<()> {
        for _ in 0..self.count()? {
            let text = std::str::from_utf8(self.slice()?).map_err(|_| io::ErrorKind::InvalidData)?;
            // Neighbours are often the same.
            match cells.last() {
                Some(last) if **last == *text => cells.push(last.clone()),
                _ => cells.push(text.into()),
            }
        }
        Ok(())
    }

    fn integers(&mut self) -> io::Result<Integers> {
        Ok(match self.take(1)? {
            [2] => Integers::I16(self.all(i16::from_le_bytes)?),
            [4] => Integers::I32(self.all(i32::from_le_bytes)?),
            _ => Integers::I64(self.all(i64::from_le_bytes)?),
        })
    }

    fn bits(&mut self) -> io::Result<Flags> {
        let count = self.count()?;
        Flags::from_bytes(self.slice()?, count).ok_or(io::ErrorKind::InvalidData.into())
    }

    fn flags(&mut self) -> io::Result<Vec<bool>> {
        self.all(|[flag]| flag != 0)
    }
}
