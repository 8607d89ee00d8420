//! Programs' attributes of files (`getxattr` and its like).

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::paths::{self, OrRaise, PathArgument, PathName, PathOrDescriptor, decode};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

/// A descriptor and `follow_symlinks=False` do not go together.
fn check_links<const NULLABLE: bool>(
    vm: &Vm,
    function: &str,
    path: &PathArgument<true, NULLABLE>,
    follow_symlinks: bool,
) -> PyResult<()> {
    if path.descriptor.is_some() && !follow_symlinks {
        return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

/// The error for a file in the executable, which has no attributes and takes none: `found`, if the file is there.
fn archived_error<const NULLABLE: bool>(
    vm: &Vm,
    path: &PathArgument<true, NULLABLE>,
    found: i32,
) -> Option<host::Errno> {
    if path.descriptor.is_some() {
        return None;
    }
    let inner = paths::archived(vm, path.bytes())?;
    let is_there = vm.interpreter.library.borrow().as_ref().is_some_and(|library| library.entry(inner).is_some());
    Some(host::Errno(if is_there { found } else { host::c::ENOENT }))
}

#[pyfunctions]
impl Functions {
    /// Return the value of extended attribute attribute on path.
    #[function("getxattr(path, attribute, *, follow_symlinks=True)")]
    fn getxattr(vm: &Vm, path: PathOrDescriptor, attribute: PathName, follow_symlinks: bool) -> PyResult {
        check_links(vm, "getxattr", &path, follow_symlinks)?;
        audit::raise_event(vm, "os.getxattr", || vec![path.object.clone(), attribute.object.clone()])?;
        let name = attribute.as_c_str();
        let archived = archived_error(vm, &path, host::c::ENODATA);
        let value = vm.allow_threads(|| match (archived, path.descriptor) {
            (Some(error), _) => Err(error),
            (None, Some(-1)) => Err(host::Errno(host::c::EFAULT)),
            (None, Some(descriptor)) => host::attribute_of(descriptor, name),
            (None, None) => host::attribute(path.as_c_str(), name, follow_symlinks),
        });
        Ok(Bytes::new(value.or_raise_for(vm, &path.object)?).into_value())
    }

    /// Set extended attribute attribute on path to value.
    #[function("setxattr(path, attribute, value, flags=0, *, follow_symlinks=True)")]
    fn setxattr(
        vm: &Vm,
        path: PathOrDescriptor,
        attribute: PathName,
        value: BufferView,
        flags: i32,
        follow_symlinks: bool,
    ) -> PyResult<()> {
        check_links(vm, "setxattr", &path, follow_symlinks)?;
        audit::raise_event(vm, "os.setxattr", || {
            let value = Bytes::new(value.as_slice()).into_value();
            vec![path.object.clone(), attribute.object.clone(), value, int::new(flags.into())]
        })?;
        let (name, value) = (attribute.as_c_str(), value.as_slice());
        let archived = archived_error(vm, &path, host::c::EROFS);
        vm.allow_threads(|| match (archived, path.descriptor) {
            (Some(error), _) => Err(error),
            (None, Some(-1)) => Err(host::Errno(host::c::EFAULT)),
            (None, Some(descriptor)) => host::set_attribute_of(descriptor, name, value, flags),
            (None, None) if follow_symlinks => host::set_attribute(path.as_c_str(), name, value, flags),
            (None, None) => host::set_attribute_of_link(path.as_c_str(), name, value, flags),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Remove extended attribute attribute on path.
    #[function("removexattr(path, attribute, *, follow_symlinks=True)")]
    fn removexattr(vm: &Vm, path: PathOrDescriptor, attribute: PathName, follow_symlinks: bool) -> PyResult<()> {
        check_links(vm, "removexattr", &path, follow_symlinks)?;
        audit::raise_event(vm, "os.removexattr", || vec![path.object.clone(), attribute.object.clone()])?;
        let name = attribute.as_c_str();
        let archived = archived_error(vm, &path, host::c::EROFS);
        vm.allow_threads(|| match (archived, path.descriptor) {
            (Some(error), _) => Err(error),
            (None, Some(-1)) => Err(host::Errno(host::c::EFAULT)),
            (None, Some(descriptor)) => host::remove_attribute_of(descriptor, name),
            (None, None) if follow_symlinks => host::remove_attribute(path.as_c_str(), name),
            (None, None) => host::remove_attribute_of_link(path.as_c_str(), name),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Return a list of extended attributes on path, the current directory if it is None.
    #[function("listxattr(path=None, *, follow_symlinks=True)")]
    fn listxattr(vm: &Vm, path: Option<PathArgument<true, true>>, follow_symlinks: bool) -> PyResult<Vec<Value>> {
        if let Some(path) = &path {
            check_links(vm, "listxattr", path, follow_symlinks)?;
        }
        let shown = || vec![path.as_ref().map_or_else(none, |path| path.object.clone())];
        audit::raise_event(vm, "os.listxattr", shown)?;
        if let Some(path) = &path {
            match archived_error(vm, path, 0) {
                None => {}
                Some(host::Errno(0)) => return Ok(Vec::new()),
                Some(error) => return Err(path.error(vm, error)),
            }
        }
        let names = vm.allow_threads(|| match &path {
            Some(PathArgument { descriptor: Some(descriptor), .. }) => host::attribute_names_of(*descriptor),
            Some(path) => host::attribute_names(path.as_c_str(), follow_symlinks),
            None => host::attribute_names(&CString::from(c"."), follow_symlinks),
        });
        let names = match &path {
            Some(path) => names.or_raise_for(vm, &path.object)?,
            None => names.or_raise(vm)?,
        };
        Ok(names.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(|name| decode(name).into_value()).collect())
    }
}
