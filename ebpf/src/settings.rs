//! What the agent says before it attaches anything.

use aya_ebpf::macros::map;
use aya_ebpf::maps::Array;
use wrongdoor_ebpf_common::Settings;

#[map]
static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// The settings; none before the agent has written them.
#[inline(always)]
pub fn settings() -> Option<&'static Settings> {
    SETTINGS.get(0)
}
