//! `_socket`: sockets, and the names of hosts, services and network interfaces.

mod address;
mod constants;
mod functions;
mod messages;
mod names;
mod object;

use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult, os_error};
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_socket",
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    functions: [functions::Functions::FUNCTIONS, names::Functions::FUNCTIONS],
    types: [object::Socket],
    execute: execute,
}

static ADDRESS_ERROR: GilCell<Option<Value>> = GilCell::new(None);
static HOST_ERROR: GilCell<Option<Value>> = GilCell::new(None);

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in constants::NUMBERS {
        module.set_int(vm, name, *number);
    }
    module.set(vm, "has_ipv6", rspy_runtime::types::bool::boolean(true));
    module.set_str(vm, "BDADDR_ANY", "00:00:00:00:00:00");
    module.set_str(vm, "BDADDR_LOCAL", "00:00:00:FF:FF:FF");
    module.set(vm, "SocketType", object::Socket::static_type().to_value());
    module.set(vm, "error", os_error::OsError::static_type().to_value());
    module.set(vm, "timeout", os_error::TimeoutError::static_type().to_value());
    for (name, place) in [("herror", &HOST_ERROR), ("gaierror", &ADDRESS_ERROR)] {
        let class = error_class(vm, name)?;
        place.set(Some(class.clone()));
        module.set(vm, name, class);
    }
    Ok(())
}

fn error_class(vm: &Vm, name: &str) -> PyResult {
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("socket"));
    let bases = Tuple::from_values([os_error::OsError::static_type().to_value()]);
    vm.call(&Type::static_type().to_value(), &[vm.new_str(name), bases.into_value(), namespace.into_value()])
}

fn raise_numbered(vm: &Vm, class: &GilCell<Option<Value>>, number: i32, text: &str) -> Exception {
    let class = class.get();
    let arguments = [Value::int(number), vm.new_str(text)];
    match class.as_ref().and_then(|class| class.downcast::<Type>()) {
        Some(class) => vm.exception_with_args(class, &arguments),
        None => vm.exception_with_args(os_error::OsError::static_type(), &arguments),
    }
}

/// Why `getaddrinfo` and its kin fail: the number and text of each reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AddressError {
    BadFlags = -1,
    NoName = -2,
    Again = -3,
    Fail = -4,
    NoData = -5,
    Family = -6,
    SocketType = -7,
    Service = -8,
    AddressFamily = -9,
}

impl AddressError {
    fn text(self) -> &'static str {
        match self {
            AddressError::BadFlags => "Bad value for ai_flags",
            AddressError::NoName => "Name or service not known",
            AddressError::Again => "Temporary failure in name resolution",
            AddressError::Fail => "Non-recoverable failure in name resolution",
            AddressError::NoData => "No address associated with hostname",
            AddressError::Family => "ai_family not supported",
            AddressError::SocketType => "ai_socktype not supported",
            AddressError::AddressFamily => "Address family for hostname not supported",
            AddressError::Service => "Servname not supported for ai_socktype",
        }
    }

    fn raise(self, vm: &Vm) -> Exception {
        raise_numbered(vm, &ADDRESS_ERROR, self as i32, self.text())
    }
}

impl From<host::resolver::LookupError> for AddressError {
    fn from(error: host::resolver::LookupError) -> AddressError {
        use host::resolver::LookupError;
        match error {
            LookupError::NotFound => AddressError::NoName,
            LookupError::NoAddress => AddressError::NoData,
            LookupError::TryAgain => AddressError::Again,
            LookupError::Failed => AddressError::Fail,
        }
    }
}

/// The `herror` for a lookup that failed.
fn host_error(vm: &Vm, error: host::resolver::LookupError) -> Exception {
    use host::resolver::LookupError;
    let (number, text) = match error {
        LookupError::NotFound => (1, "Unknown host"),
        LookupError::TryAgain => (2, "Host name lookup failure"),
        LookupError::Failed => (3, "Unknown server error"),
        LookupError::NoAddress => (4, "No address associated with name"),
    };
    raise_numbered(vm, &HOST_ERROR, number, text)
}
