//! `pwd`: the users, read from `/etc/passwd` itself: a static executable cannot load what the C library asks.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::paths::{decode, encode};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::structseq;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::posix::{identity_number, identity_value};

struct_sequence! {
    /// pwd.struct_passwd: Results from getpw*() routines.
    ///
    /// This object may be accessed either as a tuple of
    ///   (pw_name,pw_passwd,pw_uid,pw_gid,pw_gecos,pw_dir,pw_shell)
    /// or via the object attributes as named in the above tuple.
    pub struct StructPasswd("pwd", "struct_passwd") {
        visible {
            pw_name: "user name", pw_passwd: "password", pw_uid: "user id", pw_gid: "group id",
            pw_gecos: "real name", pw_dir: "home directory", pw_shell: "shell program",
        }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "pwd",
    doc: "This module provides access to the Unix password database.\nIt is available on all Unix versions.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        structseq::publish::<StructPasswd>(vm, module);
        Ok(())
    },
}

struct User {
    texts: [Vec<u8>; 5],
    user: u32,
    group: u32,
}

impl User {
    fn value(&self) -> Value {
        let [name, password, full_name, folder, shell] = &self.texts;
        let text = |text: &[u8]| decode(text).into_value();
        structseq::new::<StructPasswd>(vec![
            text(name),
            text(password),
            identity_value(self.user),
            identity_value(self.group),
            text(full_name),
            text(folder),
            text(shell),
        ])
    }
}

fn users() -> Vec<User> {
    let contents = host::read_whole(c"/etc/passwd").unwrap_or_default();
    contents.split(|&byte| byte == b'\n').filter_map(parse).collect()
}

fn parse(line: &[u8]) -> Option<User> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
    let [name, password, user, group, full_name, folder, shell] = fields[..] else { return None };
    let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse().ok();
    Some(User {
        texts: [name, password, full_name, folder, shell].map(<[u8]>::to_vec),
        user: number(user)?,
        group: number(group)?,
    })
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the password database entry for the given numeric user ID.
    #[function("getpwuid(uidobj, /)")]
    fn getpwuid(vm: &Vm, uidobj: &Value) -> PyResult {
        let missing = || {
            let shown = vm.str(uidobj).map_or_else(|_| "?".to_owned(), |shown| shown.to_string_lossy().into_owned());
            vm.key_error_message(format!("getpwuid(): uid not found: {shown}"))
        };
        let number = match identity_number(vm, uidobj, "uid") {
            Ok(number) => number,
            Err(error) if error.is_overflow_error() => return Err(missing()),
            Err(error) => return Err(error),
        };
        users().iter().find(|user| user.user == number).map(User::value).ok_or_else(missing)
    }

    /// Return the password database entry for the given user name.
    #[function("getpwnam(name, /)")]
    fn getpwnam(vm: &Vm, name: &Object<Str>) -> PyResult {
        let wanted = encode(vm, name)?;
        if wanted.contains(&0) {
            return Err(vm.value_error("embedded null byte"));
        }
        match users().iter().find(|user| user.texts[0] == wanted) {
            Some(user) => Ok(user.value()),
            None => {
                let shown = vm.repr(&name.as_value())?;
                Err(vm.key_error_message(format!("getpwnam(): name not found: {}", shown.to_string_lossy())))
            }
        }
    }

    /// Return a list of all available password database entries, in arbitrary order.
    #[function("getpwall()")]
    fn getpwall() -> Vec<Value> {
        users().iter().map(User::value).collect()
    }
}
