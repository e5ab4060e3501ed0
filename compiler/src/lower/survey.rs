//! One result lowered alone, to be looked at rather than run.

use super::{Group, Lowerer, States};
use crate::ir::{Kernel, Site, Target};
use crate::typed::{Program, QuantityId};

/// The kernel of one result under the law of one year, and what is doubtful in it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// All of it: nothing is left by an earlier kernel.
    pub kernel: Kernel,
    /// Whether the law of the year provides for the result.
    pub applies: bool,
    /// The places where a doubt may be raised that reaches the result, once each.
    pub sites: Vec<Site>,
    /// The quantities computed for it, in the order of the program, and whether a doubt may reach each.
    pub quantities: Vec<(QuantityId, bool)>,
}

/// Lowers one result; `states` as for [`super::lower`].
#[must_use]
pub fn survey(program: &Program, group: &Group, id: QuantityId, states: &States) -> Survey {
    let mut lowerer = Lowerer::new(program, group, states);
    let output = lowerer.output(Target::Quantity(id), id);
    let (yes, no) = (lowerer.ir.yes, lowerer.ir.no);
    let mut quantities: Vec<(QuantityId, bool)> =
        lowerer.quantities.iter().map(|(id, quantity)| (*id, quantity.doubtful != no)).collect();
    quantities.sort_unstable();
    let mut sites = std::mem::take(&mut lowerer.ir.sites);
    sites.sort_unstable_by_key(|site| (site.reason, site.flag));
    sites.dedup_by_key(|site| (site.reason, site.flag));
    let (doubt, applies) = (output.doubt, output.present != no);
    let kernel = lowerer.finish(vec![output]);
    match doubt {
        None => sites.clear(),
        // A doubt on every row hides the others.
        Some(doubt) if doubt == yes => sites.retain(|site| site.flag == yes),
        Some(doubt) => {
            let reached = kernel.reached(&[doubt]);
            sites.retain(|site| site.flag != yes && reached[site.flag.index()]);
        }
    }
    Survey { kernel, applies, sites, quantities }
}
