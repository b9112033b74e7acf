//! The kernel side's table of connections with lost records: see `ebpf/src/lost.rs`.

use super::clock::now;
use super::programs::KernelPrograms;
use aya::maps::{HashMap, MapData};
use wrongdoor_ebpf_common::{Lost, Owner, table};

/// [`Owner`] and [`Lost`] as aya takes them.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Plain<T>(T);

#[expect(unsafe_code, reason = "aya asks for the promise that these are plain bytes")]
// SAFETY: integers without padding, each of any value.
unsafe impl aya::Pod for Plain<Owner> {}
#[expect(unsafe_code, reason = "aya asks for the promise that these are plain bytes")]
// SAFETY: as above.
unsafe impl aya::Pod for Plain<Lost> {}

/// Connections with lost records that no record names.
pub(super) struct Losses {
    table: Option<HashMap<MapData, Plain<Owner>, Plain<Lost>>>,
    /// The count of lost records up to which the table was read.
    accounted: u64,
}

impl Losses {
    pub(super) fn new(programs: &mut KernelPrograms) -> Self {
        let table = programs.take(table::LOST);
        if table.is_none() {
            tracing::warn!(
                "connections that lose records cannot be named: no table `{}`",
                table::LOST
            );
        }
        Self { table, accounted: 0 }
    }

    /// The time up to which the ring shows everything once it was read to its end.
    pub(super) fn begin() -> u64 {
        now()
    }

    /// The owners whose last loss was before `begin`; `lost` is how many records were lost so far. To be called where
    /// the ring was empty after `begin`: whatever came before a loss was read then.
    pub(super) fn take(&mut self, lost: u64, begin: u64) -> Vec<(Owner, Lost)> {
        if lost == self.accounted {
            return Vec::new();
        }
        let Some(table) = &mut self.table else { return Vec::new() };
        let mut taken = Vec::new();
        let mut is_all = true;
        for entry in table.iter() {
            // An entry that was removed meanwhile came with a record.
            let Ok((Plain(owner), Plain(lost))) = entry else { continue };
            if lost.at <= begin { taken.push((owner, lost)) } else { is_all = false }
        }
        taken.retain(|(owner, _)| table.remove(&Plain(*owner)).is_ok());
        if is_all {
            self.accounted = lost;
        }
        taken
    }
}
