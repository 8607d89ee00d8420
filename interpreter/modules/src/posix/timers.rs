//! Timers as descriptors.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, DescriptorTimer, c};
use rspy_runtime::paths::{FileDescriptor, OrRaise};
use rspy_runtime::types::float;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

fn in_seconds((initial, interval): DescriptorTimer) -> (f64, f64) {
    (initial as f64 / 1e9, interval as f64 / 1e9)
}

/// Nanoseconds of a number of seconds, rounded towards zero.
fn nanoseconds(vm: &Vm, seconds: Option<&Value>) -> PyResult<i64> {
    let Some(seconds) = seconds else { return Ok(0) };
    crate::time::nanoseconds_of(vm, seconds, crate::time::Rounding::Truncate)
}

#[pyfunctions]
impl Functions {
    /// Create and return a timer file descriptor.
    #[function("timerfd_create(clockid, /, *, flags=0)")]
    fn timerfd_create(vm: &Vm, clockid: i32, flags: Option<i32>) -> PyResult<i32> {
        let flags = c::TFD_CLOEXEC | flags.unwrap_or(0);
        vm.allow_threads(|| host::timer_descriptor(clockid, flags)).or_raise(vm)
    }

    /// Alter a timer file descriptor's internal timer in seconds.
    #[function("timerfd_settime(fd, /, *, flags=0, initial=0.0, interval=0.0)")]
    fn timerfd_settime(
        vm: &Vm,
        fd: FileDescriptor,
        flags: i32,
        initial: Option<&Value>,
        interval: Option<&Value>,
    ) -> PyResult<(f64, f64)> {
        for seconds in [initial, interval].into_iter().flatten() {
            float::to_f64(vm, seconds)?;
        }
        let (initial, interval) = (nanoseconds(vm, initial)?, nanoseconds(vm, interval)?);
        let before = vm.allow_threads(|| host::set_descriptor_timer(fd.0, flags, initial, interval));
        before.or_raise(vm).map(in_seconds)
    }

    /// Alter a timer file descriptor's internal timer in nanoseconds.
    #[function("timerfd_settime_ns(fd, /, *, flags=0, initial=0, interval=0)")]
    fn timerfd_settime_ns(
        vm: &Vm,
        fd: FileDescriptor,
        flags: i32,
        initial: i64,
        interval: i64,
    ) -> PyResult<(i64, i64)> {
        vm.allow_threads(|| host::set_descriptor_timer(fd.0, flags, initial, interval)).or_raise(vm)
    }

    /// Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds.
    #[function("timerfd_gettime(fd, /)")]
    fn timerfd_gettime(vm: &Vm, fd: FileDescriptor) -> PyResult<(f64, f64)> {
        vm.allow_threads(|| host::get_descriptor_timer(fd.0)).or_raise(vm).map(in_seconds)
    }

    /// Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds.
    #[function("timerfd_gettime_ns(fd, /)")]
    fn timerfd_gettime_ns(vm: &Vm, fd: FileDescriptor) -> PyResult<(i64, i64)> {
        vm.allow_threads(|| host::get_descriptor_timer(fd.0)).or_raise(vm)
    }
}
