//! `posix`: what `os` is made of.

mod attributes;
mod constants;
mod descriptors;
mod directories;
mod execution;
mod identity;
mod names;
mod paths;
mod processes;
mod scheduling;
mod status;
mod system;
mod terminals;
mod timers;

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::module::Module;
use rspy_runtime::types::structseq::publish;
use rspy_runtime::vm::Vm;

pub(crate) use execution::signal_set;
pub(crate) use identity::{identity_number, identity_value};
pub(crate) use descriptors::{open_path, read_bytes, room_behind, writable_argument, zeros};

native_module! {
    name: "posix",
    doc: "This module provides access to operating system functionality that is\nstandardized by the C Standard and \
          the POSIX standard (a thinly\ndisguised Unix interface).  Refer to the library manual and\ncorresponding Unix \
          manual entries for more information on calls.",
    functions: [
        attributes::Functions::FUNCTIONS,
        descriptors::Functions::FUNCTIONS,
        directories::Functions::FUNCTIONS,
        execution::Functions::FUNCTIONS,
        identity::Functions::FUNCTIONS,
        names::Functions::FUNCTIONS,
        paths::Functions::FUNCTIONS,
        processes::Functions::FUNCTIONS,
        scheduling::Functions::FUNCTIONS,
        status::Functions::FUNCTIONS,
        system::Functions::FUNCTIONS,
        terminals::Functions::FUNCTIONS,
        timers::Functions::FUNCTIONS,
    ],
    types: [directories::DirEntry],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    constants::set(vm, module);
    status::ready(vm);
    publish::<status::StatResult>(vm, module);
    publish::<status::StatvfsResult>(vm, module);
    publish::<terminals::TerminalSize>(vm, module);
    publish::<processes::WaitidResult>(vm, module);
    publish::<system::UnameResult>(vm, module);
    publish::<system::TimesResult>(vm, module);
    publish::<scheduling::SchedParam>(vm, module);
    scheduling::complete(vm);
    directories::ScandirIterator::static_type().ready(vm);
    module.set(vm, "error", rspy_runtime::exceptions::os_error::OsError::static_type().to_value());
    module.set(vm, "environ", system::environment(vm)?);
    Ok(())
}
