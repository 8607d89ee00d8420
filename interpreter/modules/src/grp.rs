//! `grp`: the groups of users, read from `/etc/group` itself: a static executable cannot load what the C library asks.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::paths::{decode, encode};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::structseq;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::posix::{identity_number, identity_value};

struct_sequence! {
    /// grp.struct_group: Results from getgr*() routines.
    ///
    /// This object may be accessed either as a tuple of
    ///   (gr_name,gr_passwd,gr_gid,gr_mem)
    /// or via the object attributes as named in the above tuple.
    pub struct StructGroup("grp", "struct_group") {
        visible { gr_name: "group name", gr_passwd: "password", gr_gid: "group id", gr_mem: "group members", }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "grp",
    doc: "Access to the Unix group database.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        structseq::publish::<StructGroup>(vm, module);
        Ok(())
    },
}

struct Group {
    name: Vec<u8>,
    password: Vec<u8>,
    id: u32,
    members: Vec<Vec<u8>>,
}

impl Group {
    fn value(&self) -> Value {
        let members = self.members.iter().map(|member| decode(member).into_value()).collect();
        structseq::new::<StructGroup>(vec![
            decode(&self.name).into_value(),
            decode(&self.password).into_value(),
            identity_value(self.id),
            List::from_vec(members).into_value(),
        ])
    }
}

fn groups() -> Vec<Group> {
    let contents = host::read_whole(c"/etc/group").unwrap_or_default();
    contents.split(|&byte| byte == b'\n').filter_map(parse).collect()
}

fn parse(line: &[u8]) -> Option<Group> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
    let [name, password, id, members] = fields[..] else { return None };
    let members = members.split(|&byte| byte == b',').filter(|member| !member.is_empty()).map(<[u8]>::to_vec);
    Some(Group {
        name: name.to_vec(),
        password: password.to_vec(),
        id: std::str::from_utf8(id).ok()?.parse().ok()?,
        members: members.collect(),
    })
}

/// The groups that a user belongs to, `group` among them.
pub(crate) fn groups_of_user(user: &[u8], group: u32) -> Vec<u32> {
    let mut found = vec![group];
    for other in groups() {
        if !found.contains(&other.id) && other.members.iter().any(|member| member == user) {
            found.push(other.id);
        }
    }
    found
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the group database entry for the given numeric group ID.
    #[function("getgrgid(id)")]
    fn getgrgid(vm: &Vm, id: &Value) -> PyResult {
        let missing = || {
            let shown = vm.str(id).map_or_else(|_| "?".to_owned(), |shown| shown.to_string_lossy().into_owned());
            vm.key_error_message(format!("getgrgid(): gid not found: {shown}"))
        };
        let number = identity_number(vm, id, "gid")?;
        groups().iter().find(|group| group.id == number).map(Group::value).ok_or_else(missing)
    }

    /// Return the group database entry for the given group name.
    #[function("getgrnam(name)")]
    fn getgrnam(vm: &Vm, name: &Object<Str>) -> PyResult {
        let wanted = encode(vm, name)?;
        if wanted.contains(&0) {
            return Err(vm.value_error("embedded null byte"));
        }
        match groups().iter().find(|group| group.name == wanted) {
            Some(group) => Ok(group.value()),
            None => {
                let shown = vm.repr(&name.as_value())?;
                Err(vm.key_error_message(format!("getgrnam(): name not found: {}", shown.to_string_lossy())))
            }
        }
    }

    /// Return a list of all available group entries, in arbitrary order.
    #[function("getgrall()")]
    fn getgrall() -> Vec<Value> {
        groups().iter().map(Group::value).collect()
    }
}
