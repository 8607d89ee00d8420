//! The module `_datetime`: dates, times, durations and zones.
//!
//! `calendar` has the arithmetic on plain numbers, the other files a type each. The types are public for other native
//! modules.

pub mod arguments;
pub mod calendar;
mod date;
mod delta;
mod iso_calendar;
mod local;
mod moment;
mod moment_methods;
mod packed;
mod strftime;
mod text;
mod time;
mod zone;

pub use date::Date;
pub use delta::TimeDelta;
pub use iso_calendar::IsoCalendarDate;
pub use moment::DateTime;
pub use time::Time;
pub use zone::{TimeZone, TzInfo, moment_in_zone};

use std::sync::OnceLock;

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::module::Module;
use rspy_runtime::types::structseq;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_datetime",
    doc: "Dates and times, natively.",
    functions: [],
    types: [Date, DateTime, Time, TimeDelta, TimeZone, TzInfo],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    IsoCalendarDate::static_type().ready(vm);
    structseq::prepare::<crate::time::StructTime>(vm);
    set_delta_attributes(vm);
    date::set_attributes(vm);
    moment::set_attributes(vm);
    time::set_attributes(vm);
    zone::set_attributes(vm);
    module.set_int(vm, "MINYEAR", i64::from(calendar::MIN_YEAR));
    module.set_int(vm, "MAXYEAR", i64::from(calendar::MAX_YEAR));
    module.set(vm, "UTC", TimeZone::utc());
    Ok(())
}

fn set_delta_attributes(vm: &Vm) {
    static BOUNDS: OnceLock<[Value; 3]> = OnceLock::new();
    let [least, most, resolution] = BOUNDS.get_or_init(|| {
        [
            TimeDelta::constant(-999_999_999, 0, 0),
            TimeDelta::constant(999_999_999, 86_399, 999_999),
            TimeDelta::constant(0, 0, 1),
        ]
    });
    for (name, value) in [("min", least), ("max", most), ("resolution", resolution)] {
        TimeDelta::static_type().dict().set_str(&vm.intern(name), value.clone());
    }
}
