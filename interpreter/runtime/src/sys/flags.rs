//! `sys.flags`.

use crate::struct_sequence;
use crate::types::bool::boolean;
use crate::types::int;
use crate::types::structseq;
use crate::value::Value;
use crate::vm::{Configuration, Vm};

struct_sequence! {
    /// sys.flags
    ///
    /// Flags provided through command line arguments or environment vars.
    pub struct Flags("sys", "flags") {
        visible {
            debug: "-d", inspect: "-i", interactive: "-i", optimize: "-O or -OO", dont_write_bytecode: "-B",
            no_user_site: "-s", no_site: "-S", ignore_environment: "-E", verbose: "-v", bytes_warning: "-b",
            quiet: "-q", hash_randomization: "-R", isolated: "-I", dev_mode: "-X dev", utf8_mode: "-X utf8",
            warn_default_encoding: "-X warn_default_encoding", safe_path: "-P", int_max_str_digits: "-X int_max_str_digits",
        }
        unnamed 0
        hidden { gil: "-X gil", thread_inherit_context: "-X thread_inherit_context", context_aware_warnings: "-X context_aware_warnings" }
    }
}

/// The flags of a configuration.
pub fn make(vm: &Vm, configuration: &Configuration) -> Value {
    structseq::prepare_closed::<Flags>(vm);
    let number = |value: i32| int::new(i64::from(value));
    let flag = |value: bool| number(i32::from(value));
    structseq::new::<Flags>(vec![
        flag(configuration.debug != 0),
        number(configuration.inspect),
        number(configuration.interactive),
        number(configuration.optimize),
        flag(configuration.dont_write_bytecode),
        flag(configuration.no_user_site),
        flag(configuration.no_site),
        flag(configuration.ignore_environment),
        number(configuration.verbose),
        number(configuration.bytes_warning),
        number(configuration.quiet),
        flag(configuration.hash_seed != Some(0)),
        flag(configuration.isolated),
        boolean(configuration.dev_mode),
        flag(configuration.utf8_mode),
        flag(configuration.warn_default_encoding),
        boolean(configuration.safe_path),
        int::new(match configuration.int_max_str_digits {
            ..0 => crate::format::int::DEFAULT_LIMIT,
            limit => limit,
        }),
        number(1),
        number(0),
        number(0),
    ])
}
