//! Integers, all as narrow as the widest of them allows.

/// A list of integers. It begins as narrow as can be, and widens when one needs it.
#[derive(Clone, Debug)]
pub enum Integers {
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

/// Does something with the list, whatever its width.
macro_rules! each {
    ($integers:expr, $list:ident => $result:expr) => {
        match $integers {
            Integers::I16($list) => $result,
            Integers::I32($list) => $result,
            Integers::I64($list) => $result,
        }
    };
}

pub(crate) use each;

impl Integers {
    /// No integers, with room for some.
    #[must_use]
    pub fn with_capacity(integers: usize) -> Self {
        Self::I16(Vec::with_capacity(integers))
    }

    /// So many times the same, which is short.
    #[must_use]
    pub fn filled(value: i16, integers: usize) -> Self {
        Self::I16(vec![value; integers])
    }

    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, list => list.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// # Panics
    /// When there are fewer integers.
    #[must_use]
    #[expect(clippy::useless_conversion, reason = "of the widest list")]
    pub fn get(&self, index: usize) -> i64 {
        each!(self, list => i64::from(list[index]))
    }

    /// # Panics
    /// When there are fewer integers.
    pub fn set(&mut self, index: usize, value: i64) {
        self.widen_for(value);
        each!(self, list => list[index] = narrow(value));
    }

    /// Puts values at some places, as many as there are of both.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn put(&mut self, places: impl Iterator<Item = usize>, values: &[i64]) {
        // Once for all of them: each is then only copied.
        let Some((least, greatest)) = ends(values) else { return };
        self.widen_for(least);
        self.widen_for(greatest);
        each!(self, list => places.zip(values).for_each(|(place, value)| list[place] = narrow(*value)));
    }

    /// Puts one value at some places.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn put_same(&mut self, places: impl Iterator<Item = usize>, value: i64) {
        self.widen_for(value);
        each!(self, list => {
            let value = narrow(value);
            places.for_each(|place| list[place] = value);
        });
    }

    pub fn push(&mut self, value: i64) {
        self.widen_for(value);
        each!(self, list => list.push(narrow(value)));
    }

    /// Appends some that lie between two others.
    pub fn extend_between(&mut self, values: impl Iterator<Item = i64>, low: i64, high: i64) {
        self.widen_for(low);
        self.widen_for(high);
        each!(self, list => extend(list, values));
    }

    /// Makes room for those of other lists, at once as wide as the widest.
    pub fn reserve<'l>(&mut self, others: impl Iterator<Item = &'l Self> + Clone) {
        let more = others.clone().map(Self::len).sum();
        self.widen(others.map(Self::width).max().unwrap_or(0), more);
        each!(self, list => list.reserve(more));
    }

    #[expect(clippy::useless_conversion, reason = "of the widest list")]
    pub fn append(&mut self, other: &Self) {
        self.widen(other.width(), other.len());
        match (&mut *self, other) {
            (Self::I16(list), Self::I16(more)) => return list.extend_from_slice(more),
            (Self::I32(list), Self::I32(more)) => return list.extend_from_slice(more),
            (Self::I64(list), Self::I64(more)) => return list.extend_from_slice(more),
            _ => {}
        }
        each!(self, list => each!(other, more => extend(list, more.iter().map(|value| i64::from(*value)))));
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + Clone {
        (0..self.len()).map(|index| self.get(index))
    }

    #[must_use]
    #[expect(clippy::useless_conversion, reason = "of the widest list")]
    pub fn to_vec(&self) -> Vec<i64> {
        each!(self, list => list.iter().map(|value| i64::from(*value)).collect())
    }

    /// The integers of these ranks, in this order.
    #[must_use]
    pub fn select(&self, ranks: &[usize]) -> Self {
        match self {
            Self::I16(list) => Self::I16(ranks.iter().map(|rank| list[*rank]).collect()),
            Self::I32(list) => Self::I32(ranks.iter().map(|rank| list[*rank]).collect()),
            Self::I64(list) => Self::I64(ranks.iter().map(|rank| list[*rank]).collect()),
        }
    }

    /// Bytes of each.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::I16(_) => 2,
            Self::I32(_) => 4,
            Self::I64(_) => 8,
        }
    }

    #[inline]
    fn widen_for(&mut self, value: i64) {
        let needed = match self {
            Self::I16(_) if i16::try_from(value).is_ok() => return,
            Self::I16(_) | Self::I32(_) if i32::try_from(value).is_ok() => 4,
            Self::I64(_) => return,
            _ => 8,
        };
        self.widen(needed, 0);
    }

    /// Widens the list if it is narrower, with room for some more.
    fn widen(&mut self, width: usize, more: usize) {
        fn wider<A: Copy, B: From<A>>(list: &[A], more: usize) -> Vec<B> {
            let mut wider = Vec::with_capacity(list.len() + more);
            wider.extend(list.iter().map(|value| B::from(*value)));
            wider
        }
        if width <= self.width() {
            return;
        }
        *self = match (&*self, width) {
            (Self::I16(list), 4) => Self::I32(wider(list, more)),
            (Self::I16(list), _) => Self::I64(wider(list, more)),
            (Self::I32(list), _) => Self::I64(wider(list, more)),
            (Self::I64(_), _) => return,
        };
    }
}

/// The least and the greatest of some values.
pub(crate) fn ends<T: Copy + Ord>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    // Without branches: several at a time.
    Some(values.iter().fold((first, first), |(least, greatest), value| (least.min(*value), greatest.max(*value))))
}

/// A type of integer in a list that was widened for the value.
trait Narrow {
    fn narrow(value: i64) -> Self;
}

macro_rules! narrows {
    ($($ty:ty)*) => {$(
        impl Narrow for $ty {
            #[inline]
            fn narrow(value: i64) -> Self {
                value as Self
            }
        }
    )*};
}

narrows! { i16 i32 i64 }

#[inline]
fn narrow<T: Narrow>(value: i64) -> T {
    T::narrow(value)
}

fn extend<T: Narrow>(list: &mut Vec<T>, values: impl Iterator<Item = i64>) {
    list.extend(values.map(narrow::<T>));
}

impl FromIterator<i64> for Integers {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let values = values.into_iter();
        let mut result = Self::with_capacity(values.size_hint().0);
        values.for_each(|value| result.push(value));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [i64; 12] = [
        0,
        -1,
        i16::MAX as i64,
        i16::MIN as i64,
        i16::MAX as i64 + 1,
        i16::MIN as i64 - 1,
        i32::MAX as i64,
        i32::MIN as i64,
        i32::MAX as i64 + 1,
        i32::MIN as i64 - 1,
        i64::MAX,
        i64::MIN,
    ];

    #[test]
    fn nothing_is_lost() {
        // Every end after every other: all widenings.
        for first in ENDS {
            for second in ENDS {
                let pair: Integers = [first, second].into_iter().collect();
                assert!(pair.iter().eq([first, second]));
                let mut appended: Integers = [first].into_iter().collect();
                appended.append(&[second].into_iter().collect());
                assert!(appended.iter().eq([first, second]));
                let mut reserved: Integers = [first].into_iter().collect();
                let others: [Integers; 2] = [[second].into_iter().collect(), [first, second].into_iter().collect()];
                reserved.reserve(others.iter());
                others.iter().for_each(|other| reserved.append(other));
                assert!(reserved.iter().eq([first, second, first, second]));
                let mut set: Integers = [0, first].into_iter().collect();
                set.set(0, second);
                assert!(set.iter().eq([second, first]));
                let mut put = Integers::filled(5, 4);
                put.put([3, 1].into_iter(), &[first, second]);
                assert!(put.iter().eq([5, second, 5, first]));
                put.put_same([0, 3].into_iter(), second);
                assert!(put.iter().eq([second, second, 5, second]));
                let mut between = Integers::with_capacity(0);
                between.push(7);
                between.extend_between([first, second].into_iter(), first.min(second), first.max(second));
                assert!(between.iter().eq([7, first, second]));
                assert!(between.select(&[2, 0]).iter().eq([second, 7]));
            }
        }
        let widths = ENDS.map(|end| [end].into_iter().collect::<Integers>().width());
        assert_eq!(widths, [2, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8]);
    }
}
