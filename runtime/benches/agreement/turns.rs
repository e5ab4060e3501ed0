//! Contenders timed side by side.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use polc_runtime::bench::Rate;

/// A way to compute some rows.
pub struct Contender<'a> {
    pub name: &'static str,
    pub rows: usize,
    pub run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, rows: usize, run: impl FnMut() + 'a) -> Self {
        Self { name, rows, run: Box::new(run) }
    }
}

/// Times each contender once a turn, so that a busy machine slows all of them.
pub fn take_turns(turns: usize, contenders: &mut [Contender<'_>]) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); contenders.len()];
    for _ in 0..turns {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let start = Instant::now();
            (contender.run)();
            times.push(start.elapsed());
        }
    }
    println!("{turns} turns, one thread: rows a second (median; best), as a percentage of the first");
    let mut base = None;
    for (Contender { name, rows, .. }, times) in contenders.iter().zip(times) {
        let Some(rate) = Rate::of(*rows, times) else { continue };
        let base = *base.get_or_insert(rate.median.max(1));
        println!("  {name:<24}{:>12} {:>12} {:>6} %", rate.median, rate.best, rate.median * 100 / base);
    }
}

/// Times them one by one.
pub fn measure(criterion: &mut Criterion, name: &str, samples: usize, contenders: Vec<Contender<'_>>) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(samples);
    for mut contender in contenders {
        group.throughput(Throughput::Elements(contender.rows as u64));
        group.bench_function(contender.name, |b| b.iter(|| (contender.run)()));
    }
    group.finish();
}
