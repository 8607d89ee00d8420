//! Programs' attributes of files (`getxattr` and its like).

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::paths::{OrRaise, PathArgument, PathName, PathOrDescriptor, decode};
use rspy_runtime::types::bytes::Bytes;
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

#[pyfunctions]
impl Functions {
    /// Return the value of extended attribute attribute on path.
    #[function("getxattr(path, attribute, *, follow_symlinks=True)")]
    fn getxattr(vm: &Vm, path: PathOrDescriptor, attribute: PathName, follow_symlinks: bool) -> PyResult {
        check_links(vm, "getxattr", &path, follow_symlinks)?;
        let name = attribute.as_c_str();
        let value = vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(host::Errno(host::c::EFAULT)),
            Some(descriptor) => host::attribute_of(descriptor, name),
            None => host::attribute(path.as_c_str(), name, follow_symlinks),
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
        let (name, value) = (attribute.as_c_str(), value.as_slice());
        vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(host::Errno(host::c::EFAULT)),
            Some(descriptor) => host::set_attribute_of(descriptor, name, value, flags),
            None if follow_symlinks => host::set_attribute(path.as_c_str(), name, value, flags),
            None => host::set_attribute_of_link(path.as_c_str(), name, value, flags),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Remove extended attribute attribute on path.
    #[function("removexattr(path, attribute, *, follow_symlinks=True)")]
    fn removexattr(vm: &Vm, path: PathOrDescriptor, attribute: PathName, follow_symlinks: bool) -> PyResult<()> {
        check_links(vm, "removexattr", &path, follow_symlinks)?;
        let name = attribute.as_c_str();
        vm.allow_threads(|| match path.descriptor {
            Some(-1) => Err(host::Errno(host::c::EFAULT)),
            Some(descriptor) => host::remove_attribute_of(descriptor, name),
            None if follow_symlinks => host::remove_attribute(path.as_c_str(), name),
            None => host::remove_attribute_of_link(path.as_c_str(), name),
        })
        .or_raise_for(vm, &path.object)
    }

    /// Return a list of extended attributes on path, the current directory if it is None.
    #[function("listxattr(path=None, *, follow_symlinks=True)")]
    fn listxattr(vm: &Vm, path: Option<PathArgument<true, true>>, follow_symlinks: bool) -> PyResult<Vec<Value>> {
        if let Some(path) = &path {
            check_links(vm, "listxattr", path, follow_symlinks)?;
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
