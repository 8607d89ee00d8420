//! Users, groups and the process's place among others.

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::{FromArgument, Place};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::object::Object;
use rspy_runtime::paths::{self, OrRaise};
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::descriptors::is_sequence;

/// The number of a user; -1 is the largest.
#[derive(Clone, Copy)]
pub struct UserId(pub u32);
/// The number of a group; -1 is the largest.
#[derive(Clone, Copy)]
pub struct GroupId(pub u32);

/// A user's or group's number given as argument.
pub(crate) fn identity_number(vm: &Vm, value: &Value, what: &str) -> PyResult<u32> {
    if value.type_of().slots().index.get().is_none() {
        return Err(vm.type_error(format!("{what} should be integer, not {}", value.type_of().full_name())));
    }
    let number = vm.index(value)?;
    match int::small_value(&number) {
        Some(-1) => Ok(u32::MAX),
        Some(small) if small >= 0 && u32::try_from(small).is_ok_and(|small| small != u32::MAX) => Ok(small as u32),
        Some(small) if small >= 0 => Err(vm.overflow_error(format!("{what} is greater than maximum"))),
        None if int::sign(&number) > 0 => Err(vm.overflow_error(format!("{what} is greater than maximum"))),
        _ => Err(vm.overflow_error(format!("{what} is less than minimum"))),
    }
}

impl FromArgument<'_> for UserId {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        identity_number(vm, value, "uid").map(UserId)
    }
}

impl FromArgument<'_> for GroupId {
    fn from_argument(vm: &Vm, value: &Value, _: &Place) -> PyResult<Self> {
        identity_number(vm, value, "gid").map(GroupId)
    }
}

/// A user's or group's number as Python sees it.
pub(crate) fn identity_value(number: u32) -> Value {
    if number == u32::MAX { Value::int(-1) } else { int::new(i64::from(number)) }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the current process id.
    #[function("getpid()")]
    fn getpid() -> i32 {
        host::process_identity()
    }

    /// Return the parent's process id.
    #[function("getppid()")]
    fn getppid() -> i32 {
        host::parent_identity()
    }

    /// Return the current process's user id.
    #[function("getuid()")]
    fn getuid() -> Value {
        identity_value(host::user())
    }

    /// Return the current process's effective user id.
    #[function("geteuid()")]
    fn geteuid() -> Value {
        identity_value(host::effective_user())
    }

    /// Return the current process's group id.
    #[function("getgid()")]
    fn getgid() -> Value {
        identity_value(host::group())
    }

    /// Return the current process's effective group id.
    #[function("getegid()")]
    fn getegid() -> Value {
        identity_value(host::effective_group())
    }

    /// Return a tuple of the current process's real, effective, and saved user ids.
    #[function("getresuid()")]
    fn getresuid(vm: &Vm) -> PyResult<(Value, Value, Value)> {
        let [real, effective, saved] = host::all_users().or_raise(vm)?.map(identity_value);
        Ok((real, effective, saved))
    }

    /// Return a tuple of the current process's real, effective, and saved group ids.
    #[function("getresgid()")]
    fn getresgid(vm: &Vm) -> PyResult<(Value, Value, Value)> {
        let [real, effective, saved] = host::all_groups().or_raise(vm)?.map(identity_value);
        Ok((real, effective, saved))
    }

    /// Set the current process's user id.
    #[function("setuid(uid, /)")]
    fn setuid(vm: &Vm, uid: UserId) -> PyResult<()> {
        host::set_user(uid.0).or_raise(vm)
    }

    /// Set the current process's effective user id.
    #[function("seteuid(euid, /)")]
    fn seteuid(vm: &Vm, euid: UserId) -> PyResult<()> {
        host::set_effective_user(euid.0).or_raise(vm)
    }

    /// Set the current process's group id.
    #[function("setgid(gid, /)")]
    fn setgid(vm: &Vm, gid: GroupId) -> PyResult<()> {
        host::set_group(gid.0).or_raise(vm)
    }

    /// Set the current process's effective group id.
    #[function("setegid(egid, /)")]
    fn setegid(vm: &Vm, egid: GroupId) -> PyResult<()> {
        host::set_effective_group(egid.0).or_raise(vm)
    }

    /// Set the current process's real and effective user ids.
    #[function("setreuid(ruid, euid, /)")]
    fn setreuid(vm: &Vm, ruid: UserId, euid: UserId) -> PyResult<()> {
        host::set_users(ruid.0, euid.0).or_raise(vm)
    }

    /// Set the current process's real and effective group ids.
    #[function("setregid(rgid, egid, /)")]
    fn setregid(vm: &Vm, rgid: GroupId, egid: GroupId) -> PyResult<()> {
        host::set_groups_of_process(rgid.0, egid.0).or_raise(vm)
    }

    /// Set the current process's real, effective, and saved user ids.
    #[function("setresuid(ruid, euid, suid, /)")]
    fn setresuid(vm: &Vm, ruid: UserId, euid: UserId, suid: UserId) -> PyResult<()> {
        host::set_all_users(ruid.0, euid.0, suid.0).or_raise(vm)
    }

    /// Set the current process's real, effective, and saved group ids.
    #[function("setresgid(rgid, egid, sgid, /)")]
    fn setresgid(vm: &Vm, rgid: GroupId, egid: GroupId, sgid: GroupId) -> PyResult<()> {
        host::set_all_groups(rgid.0, egid.0, sgid.0).or_raise(vm)
    }

    /// Return list of supplemental group IDs for the process.
    #[function("getgroups()")]
    fn getgroups(vm: &Vm) -> PyResult<Vec<Value>> {
        Ok(host::groups().or_raise(vm)?.into_iter().map(identity_value).collect())
    }

    /// Set the groups of the current process to list.
    #[function("setgroups(groups, /)")]
    fn setgroups(vm: &Vm, groups: &Value) -> PyResult<()> {
        if !is_sequence(groups) {
            return Err(vm.type_error("setgroups argument must be a sequence"));
        }
        let items = vm.collect(groups)?;
        if items.len() > 65536 {
            return Err(vm.value_error("too many groups"));
        }
        let mut numbers = Vec::with_capacity(items.len());
        for item in &items {
            if !int::is_int(item) {
                return Err(vm.type_error("groups must be integers"));
            }
            numbers.push(identity_number(vm, item, "gid")?);
        }
        host::set_groups(&numbers).or_raise(vm)
    }

    /// Returns a list of groups to which a user belongs.
    #[function("getgrouplist(user, group, /)")]
    fn getgrouplist(vm: &Vm, user: &Object<Str>, group: GroupId) -> PyResult<Vec<Value>> {
        let user = paths::encode(vm, user)?;
        let groups = crate::grp::groups_of_user(&user, group.0);
        Ok(groups.into_iter().map(identity_value).collect())
    }

    /// Initialize the group access list.
    #[function("initgroups(username, gid, /)")]
    fn initgroups(vm: &Vm, username: &Value, gid: GroupId) -> PyResult<()> {
        let user = paths::to_system(vm, username)?;
        let groups = crate::grp::groups_of_user(user.as_bytes(), gid.0);
        host::set_groups(&groups).or_raise(vm)
    }

    /// Return the current process group id.
    #[function("getpgrp()")]
    fn getpgrp() -> i32 {
        host::process_group()
    }

    /// Make the current process the leader of its process group.
    #[function("setpgrp()")]
    fn setpgrp(vm: &Vm) -> PyResult<()> {
        host::set_process_group(0, 0).or_raise(vm)
    }

    /// Call the system call getpgid(), and return the result.
    #[function("getpgid(pid)")]
    fn getpgid(vm: &Vm, pid: i32) -> PyResult<i32> {
        host::process_group_of(pid).or_raise(vm)
    }

    /// Call the system call setpgid(pid, pgrp).
    #[function("setpgid(pid, pgrp, /)")]
    fn setpgid(vm: &Vm, pid: i32, pgrp: i32) -> PyResult<()> {
        host::set_process_group(pid, pgrp).or_raise(vm)
    }

    /// Call the system call getsid(pid) and return the result.
    #[function("getsid(pid, /)")]
    fn getsid(vm: &Vm, pid: i32) -> PyResult<i32> {
        host::session_of(pid).or_raise(vm)
    }

    /// Call the system call setsid().
    #[function("setsid()")]
    fn setsid(vm: &Vm) -> PyResult<()> {
        host::new_session().or_raise(vm).map(drop)
    }

    /// Return program scheduling priority.
    #[function("getpriority(which, who)")]
    fn getpriority(vm: &Vm, which: i32, who: i32) -> PyResult<i32> {
        host::priority(which, who as u32).or_raise(vm)
    }

    /// Set program scheduling priority.
    #[function("setpriority(which, who, priority)")]
    fn setpriority(vm: &Vm, which: i32, who: i32, priority: i32) -> PyResult<()> {
        host::set_priority(which, who as u32, priority).or_raise(vm)
    }

    /// Add increment to the priority of process and return the new priority.
    #[function("nice(increment, /)")]
    fn nice(vm: &Vm, increment: i32) -> PyResult<i32> {
        host::add_to_niceness(increment).or_raise(vm)
    }

    /// Return the actual login name.
    #[function("getlogin()")]
    fn getlogin(vm: &Vm) -> PyResult {
        match host::login_name() {
            Ok(name) => Ok(paths::decode(&name).into_value()),
            Err(error) => Err(vm.os_error(error.0, None, None)),
        }
    }
}


