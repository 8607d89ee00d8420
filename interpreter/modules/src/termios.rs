//! `termios`: how terminals treat what goes through them.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::host::{self, Errno, c};
use rspy_runtime::native_module;
use rspy_runtime::object::Payload;
use rspy_runtime::paths::FileDescriptor;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;

exception! {
    /// What a call on a terminal raises when it fails.
    TerminalError, "error", "termios", PlainException, weak
}

native_module! {
    name: "termios",
    doc: "This module provides an interface to the Posix calls for tty I/O control.\nFor a complete description of these calls, see the Posix or Unix manual\npages. It is only available for those Unix versions that support Posix\ntermios style tty I/O control.\n\nAll functions in this module take a file descriptor fd as their first\nargument. This can be an integer file descriptor, such as returned by\nsys.stdin.fileno(), or a file object, such as sys.stdin itself.",
    functions: [Functions::FUNCTIONS],
    types: [TerminalError],
    execute: |vm, module| {
        for (name, number) in NUMBERS {
            module.set_int(vm, name, *number);
        }
        Ok(())
    },
}

const NUMBERS: &[(&str, i64)] = &[
    ("B0", 0), ("B1000000", 1000000), ("B110", 110), ("B115200", 115200), ("B1152000", 1152000),
    ("B1200", 1200), ("B134", 134), ("B14400", 14400), ("B150", 150), ("B1500000", 1500000),
    ("B1800", 1800), ("B19200", 19200), ("B200", 200), ("B2000000", 2000000), ("B230400", 230400),
    ("B2400", 2400), ("B2500000", 2500000), ("B28800", 28800), ("B300", 300), ("B3000000", 3000000),
    ("B3500000", 3500000), ("B38400", 38400), ("B4000000", 4000000), ("B460800", 460800),
    ("B4800", 4800), ("B50", 50), ("B500000", 500000), ("B57600", 57600), ("B576000", 576000),
    ("B600", 600), ("B7200", 7200), ("B75", 75), ("B76800", 76800), ("B921600", 921600), ("B9600", 9600),
    ("BRKINT", 2), ("BS0", 0), ("BS1", 8192), ("BSDLY", 8192), ("CBAUD", 4111), ("CBAUDEX", 4096),
    ("CDSUSP", 25), ("CEOF", 4), ("CEOL", 0), ("CEOT", 4), ("CERASE", 127), ("CFLUSH", 15),
    ("CIBAUD", 269418496), ("CINTR", 3), ("CKILL", 21), ("CLNEXT", 22), ("CLOCAL", 2048), ("CQUIT", 28),
    ("CR0", 0), ("CR1", 512), ("CR2", 1024), ("CR3", 1536), ("CRDLY", 1536), ("CREAD", 128),
    ("CRPRNT", 18), ("CRTSCTS", 2147483648), ("CS5", 0), ("CS6", 16), ("CS7", 32), ("CS8", 48),
    ("CSIZE", 48), ("CSTART", 17), ("CSTOP", 19), ("CSTOPB", 64), ("CSUSP", 26), ("CWERASE", 23),
    ("ECHO", 8), ("ECHOCTL", 512), ("ECHOE", 16), ("ECHOK", 32), ("ECHOKE", 2048), ("ECHONL", 64),
    ("ECHOPRT", 1024), ("EXTA", 19200), ("EXTB", 38400), ("EXTPROC", 65536), ("FF0", 0), ("FF1", 32768),
    ("FFDLY", 32768), ("FIOASYNC", 21586), ("FIOCLEX", 21585), ("FIONBIO", 21537), ("FIONCLEX", 21584),
    ("FIONREAD", 21531), ("FLUSHO", 4096), ("HUPCL", 1024), ("IBSHIFT", 16), ("ICANON", 2),
    ("ICRNL", 256), ("IEXTEN", 32768), ("IGNBRK", 1), ("IGNCR", 128), ("IGNPAR", 4), ("IMAXBEL", 8192),
    ("INLCR", 64), ("INPCK", 16), ("IOCSIZE_MASK", 1073676288), ("IOCSIZE_SHIFT", 16), ("ISIG", 1),
    ("ISTRIP", 32), ("IUCLC", 512), ("IUTF8", 16384), ("IXANY", 2048), ("IXOFF", 4096), ("IXON", 1024),
    ("NCCS", 32), ("NL0", 0), ("NL1", 256), ("NLDLY", 256), ("NOFLSH", 128), ("N_MOUSE", 2),
    ("N_PPP", 3), ("N_SLIP", 1), ("N_STRIP", 4), ("N_TTY", 0), ("OCRNL", 8), ("OFDEL", 128),
    ("OFILL", 64), ("OLCUC", 2), ("ONLCR", 4), ("ONLRET", 32), ("ONOCR", 16), ("OPOST", 1),
    ("PARENB", 256), ("PARMRK", 8), ("PARODD", 512), ("PENDIN", 16384), ("TAB0", 0), ("TAB1", 2048),
    ("TAB2", 4096), ("TAB3", 6144), ("TABDLY", 6144), ("TCFLSH", 21515), ("TCGETS", 21505),
    ("TCIFLUSH", 0), ("TCIOFF", 2), ("TCIOFLUSH", 2), ("TCION", 3), ("TCOFLUSH", 1), ("TCOOFF", 0),
    ("TCOON", 1), ("TCSADRAIN", 1), ("TCSAFLUSH", 2), ("TCSANOW", 0), ("TCSBRK", 21513),
    ("TCSBRKP", 21541), ("TCSETS", 21506), ("TCSETSF", 21508), ("TCSETSW", 21507), ("TCXONC", 21514),
    ("TIOCCONS", 21533), ("TIOCEXCL", 21516), ("TIOCGETD", 21540), ("TIOCGICOUNT", 21597),
    ("TIOCGLCKTRMIOS", 21590), ("TIOCGPGRP", 21519), ("TIOCGSERIAL", 21534), ("TIOCGSOFTCAR", 21529),
    ("TIOCGWINSZ", 21523), ("TIOCINQ", 21531), ("TIOCLINUX", 21532), ("TIOCMBIC", 21527),
    ("TIOCMBIS", 21526), ("TIOCMGET", 21525), ("TIOCMIWAIT", 21596), ("TIOCMSET", 21528),
    ("TIOCM_CAR", 64), ("TIOCM_CD", 64), ("TIOCM_CTS", 32), ("TIOCM_DSR", 256), ("TIOCM_DTR", 2),
    ("TIOCM_LE", 1), ("TIOCM_RI", 128), ("TIOCM_RNG", 128), ("TIOCM_RTS", 4), ("TIOCM_SR", 16),
    ("TIOCM_ST", 8), ("TIOCNOTTY", 21538), ("TIOCNXCL", 21517), ("TIOCOUTQ", 21521), ("TIOCPKT", 21536),
    ("TIOCPKT_DATA", 0), ("TIOCPKT_DOSTOP", 32), ("TIOCPKT_FLUSHREAD", 1), ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_NOSTOP", 16), ("TIOCPKT_START", 8), ("TIOCPKT_STOP", 4), ("TIOCSCTTY", 21518),
    ("TIOCSERCONFIG", 21587), ("TIOCSERGETLSR", 21593), ("TIOCSERGETMULTI", 21594),
    ("TIOCSERGSTRUCT", 21592), ("TIOCSERGWILD", 21588), ("TIOCSERSETMULTI", 21595),
    ("TIOCSERSWILD", 21589), ("TIOCSER_TEMT", 1), ("TIOCSETD", 21539), ("TIOCSLCKTRMIOS", 21591),
    ("TIOCSPGRP", 21520), ("TIOCSSERIAL", 21535), ("TIOCSSOFTCAR", 21530), ("TIOCSTI", 21522),
    ("TIOCSWINSZ", 21524), ("TOSTOP", 256), ("VDISCARD", 13), ("VEOF", 4), ("VEOL", 11), ("VEOL2", 16),
    ("VERASE", 2), ("VINTR", 0), ("VKILL", 3), ("VLNEXT", 15), ("VMIN", 6), ("VQUIT", 1),
    ("VREPRINT", 12), ("VSTART", 8), ("VSTOP", 9), ("VSUSP", 10), ("VSWTC", 7), ("VSWTCH", 7),
    ("VT0", 0), ("VT1", 16384), ("VTDLY", 16384), ("VTIME", 5), ("VWERASE", 14), ("XCASE", 4),
    ("XTABS", 6144), ("_POSIX_VDISABLE", 0),
];

fn failed(vm: &Vm, error: Errno) -> Exception {
    let arguments = [Value::int(error.0), vm.new_str(&error.message())];
    vm.exception_with_args(TerminalError::static_type(), &arguments)
}

fn flag(vm: &Vm, value: &Value) -> PyResult<u32> {
    let number: i64 = int::to_fixed(vm, &vm.index(value)?, "long")?;
    Ok(number as u32)
}

/// The special characters: numbers for the two that are numbers in non-canonical mode, else bytes of length one.
fn characters_value(mode: &host::TerminalMode) -> Value {
    let numbers = mode.c_lflag & c::ICANON == 0;
    let characters = mode.c_cc.iter().enumerate().map(|(index, &character)| {
        if numbers && (index == c::VMIN || index == c::VTIME) {
            Value::int(i32::from(character))
        } else {
            Bytes::new(vec![character]).into_value()
        }
    });
    List::from_vec(characters.collect()).into_value()
}

fn character_of(vm: &Vm, value: &Value) -> PyResult<u8> {
    if let Some(bytes) = value.downcast::<Bytes>()
        && let [character] = bytes.as_slice()
    {
        return Ok(*character);
    }
    if int::is_int(value) {
        let number: i64 = int::to_fixed(vm, value, "long")?;
        return Ok(number as u8);
    }
    Err(vm.type_error(
        "tcsetattr: elements of attributes must be characters or integers",
    ))
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Get the tty attributes: [iflag, oflag, cflag, lflag, ispeed, ospeed, cc].
    #[function("tcgetattr(fd, /)")]
    fn tcgetattr(vm: &Vm, fd: FileDescriptor) -> PyResult<Vec<Value>> {
        let mode = host::terminal_mode(fd.0).map_err(|error| failed(vm, error))?;
        let (input, output) = host::terminal_speeds(&mode);
        let flags = [mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag, input, output];
        let mut all: Vec<Value> = flags.iter().map(|&flag| int::new(i64::from(flag))).collect();
        all.push(characters_value(&mode));
        Ok(all)
    }

    /// Set the tty attributes: at once, when output is out, or when input is thrown away too.
    #[function("tcsetattr(fd, when, attributes, /)")]
    fn tcsetattr(vm: &Vm, fd: FileDescriptor, when: i32, attributes: &Value) -> PyResult<()> {
        let wrong = || vm.type_error("tcsetattr, arg 3: must be 7 element list");
        let items = attributes.downcast::<List>().ok_or_else(wrong)?.to_vec();
        let [input, output, control, local, input_speed, output_speed, characters] = items.as_slice() else {
            return Err(wrong());
        };
        let mut mode = host::terminal_mode(fd.0).map_err(|error| failed(vm, error))?;
        mode.c_iflag = flag(vm, input)?;
        mode.c_oflag = flag(vm, output)?;
        mode.c_cflag = flag(vm, control)?;
        mode.c_lflag = flag(vm, local)?;
        let (input_speed, output_speed) = (flag(vm, input_speed)?, flag(vm, output_speed)?);
        let wrong = || {
            vm.type_error(format!("tcsetattr: attributes[6] must be {} element list", c::NCCS))
        };
        let characters = characters.downcast::<List>().ok_or_else(wrong)?.to_vec();
        if characters.len() != mode.c_cc.len() {
            return Err(wrong());
        }
        for (place, character) in mode.c_cc.iter_mut().zip(&characters) {
            *place = character_of(vm, character)?;
        }
        host::set_terminal_speeds(&mut mode, input_speed, output_speed).map_err(|error| failed(vm, error))?;
        vm.allow_threads(|| host::set_terminal_mode(fd.0, when, &mode)).map_err(|error| failed(vm, error))
    }

    /// Send a break on file descriptor fd.
    #[function("tcsendbreak(fd, duration, /)")]
    fn tcsendbreak(vm: &Vm, fd: FileDescriptor, duration: i32) -> PyResult<()> {
        vm.allow_threads(|| host::send_break(fd.0, duration)).map_err(|error| failed(vm, error))
    }

    /// Wait until all output written to file descriptor fd has been transmitted.
    #[function("tcdrain(fd, /)")]
    fn tcdrain(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        vm.allow_threads(|| host::drain_terminal(fd.0)).map_err(|error| failed(vm, error))
    }

    /// Discard queued data on file descriptor fd.
    #[function("tcflush(fd, queue, /)")]
    fn tcflush(vm: &Vm, fd: FileDescriptor, queue: i32) -> PyResult<()> {
        vm.allow_threads(|| host::flush_terminal(fd.0, queue)).map_err(|error| failed(vm, error))
    }

    /// Suspend or resume input or output on file descriptor fd.
    #[function("tcflow(fd, action, /)")]
    fn tcflow(vm: &Vm, fd: FileDescriptor, action: i32) -> PyResult<()> {
        vm.allow_threads(|| host::control_terminal_flow(fd.0, action)).map_err(|error| failed(vm, error))
    }

    /// Get the tty winsize for file descriptor fd: (rows, columns).
    #[function("tcgetwinsize(fd, /)")]
    fn tcgetwinsize(vm: &Vm, fd: FileDescriptor) -> PyResult<(u16, u16)> {
        let (columns, lines) = host::terminal_size(fd.0).map_err(|error| failed(vm, error))?;
        Ok((lines, columns))
    }

    /// Set the tty winsize for file descriptor fd to (rows, columns).
    #[function("tcsetwinsize(fd, winsize, /)")]
    fn tcsetwinsize(vm: &Vm, fd: FileDescriptor, winsize: &Value) -> PyResult<()> {
        let wrong = || vm.type_error("tcsetwinsize, arg 2: must be a two-item sequence");
        let items = vm.collect_or(winsize, wrong)?;
        let [lines, columns] = items.as_slice() else { return Err(wrong()) };
        let number = |value: &Value| -> PyResult<u16> {
            let number: i64 = int::to_fixed(vm, &vm.index(value)?, "long")?;
            u16::try_from(number).map_err(|_| vm.overflow_error("winsize value(s) out of range."))
        };
        let (lines, columns) = (number(lines)?, number(columns)?);
        vm.allow_threads(|| host::set_terminal_size(fd.0, columns, lines)).map_err(|error| failed(vm, error))
    }
}
