//! The parameters of compression and decompression by number, with their checks.

use rspy_runtime::cell::GilCell;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use zstd_safe::zstd_sys::{ZSTD_cParameter, ZSTD_dParameter};
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, Strategy};

use super::ZstdError;
use super::library::{Bounds, compression_bounds, decompression_bounds};

/// The parameters of compression: number, name, and the library's name of it.
pub const COMPRESSION: [(i32, &str, &str); 19] = [
    (100, "compression_level", "ZSTD_c_compressionLevel"),
    (101, "window_log", "ZSTD_c_windowLog"),
    (102, "hash_log", "ZSTD_c_hashLog"),
    (103, "chain_log", "ZSTD_c_chainLog"),
    (104, "search_log", "ZSTD_c_searchLog"),
    (105, "min_match", "ZSTD_c_minMatch"),
    (106, "target_length", "ZSTD_c_targetLength"),
    (107, "strategy", "ZSTD_c_strategy"),
    (160, "enable_long_distance_matching", "ZSTD_c_enableLongDistanceMatching"),
    (161, "ldm_hash_log", "ZSTD_c_ldmHashLog"),
    (162, "ldm_min_match", "ZSTD_c_ldmMinMatch"),
    (163, "ldm_bucket_size_log", "ZSTD_c_ldmBucketSizeLog"),
    (164, "ldm_hash_rate_log", "ZSTD_c_ldmHashRateLog"),
    (200, "content_size_flag", "ZSTD_c_contentSizeFlag"),
    (201, "checksum_flag", "ZSTD_c_checksumFlag"),
    (202, "dict_id_flag", "ZSTD_c_dictIDFlag"),
    (400, "nb_workers", "ZSTD_c_nbWorkers"),
    (401, "job_size", "ZSTD_c_jobSize"),
    (402, "overlap_log", "ZSTD_c_overlapLog"),
];

/// The strategies, from the fastest.
pub const STRATEGIES: [&str; 9] = [
    "ZSTD_fast", "ZSTD_dfast", "ZSTD_greedy", "ZSTD_lazy", "ZSTD_lazy2", "ZSTD_btlazy2", "ZSTD_btopt",
    "ZSTD_btultra", "ZSTD_btultra2",
];

/// The parameter of decompression.
pub const WINDOW_LOG_MAX: i32 = 100;

/// The classes of the parameters, so that one is not taken for the other.
static CLASSES: PerInterpreter<GilCell<Option<(Ref<Type>, Ref<Type>)>>> = PerInterpreter::new(GilCell::default);

/// Remembers the classes of the parameters.
pub fn set_classes(vm: &Vm, compression: &Object<Type>, decompression: &Object<Type>) {
    drop(CLASSES.of(vm).replace(Some((compression.to_ref(), decompression.to_ref()))));
}

/// A C `int`.
fn c_int(vm: &Vm, value: &Value) -> PyResult<i32> {
    let index = vm.index(value)?;
    let number = int::small_value(&index).and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))
}

/// The bounds of a parameter of compression.
pub fn bounds_of_compression(number: i32) -> Bounds {
    use ZSTD_cParameter::*;
    compression_bounds(match number {
        100 => ZSTD_c_compressionLevel,
        101 => ZSTD_c_windowLog,
        102 => ZSTD_c_hashLog,
        103 => ZSTD_c_chainLog,
        104 => ZSTD_c_searchLog,
        105 => ZSTD_c_minMatch,
        106 => ZSTD_c_targetLength,
        107 => ZSTD_c_strategy,
        160 => ZSTD_c_enableLongDistanceMatching,
        161 => ZSTD_c_ldmHashLog,
        162 => ZSTD_c_ldmMinMatch,
        163 => ZSTD_c_ldmBucketSizeLog,
        164 => ZSTD_c_ldmHashRateLog,
        200 => ZSTD_c_contentSizeFlag,
        201 => ZSTD_c_checksumFlag,
        202 => ZSTD_c_dictIDFlag,
        400 => ZSTD_c_nbWorkers,
        401 => ZSTD_c_jobSize,
        402 => ZSTD_c_overlapLog,
        _ => return Err("Unsupported parameter"),
    })
}

/// The bounds of a parameter of decompression.
pub fn bounds_of_decompression(number: i32) -> Bounds {
    match number {
        WINDOW_LOG_MAX => decompression_bounds(ZSTD_dParameter::ZSTD_d_windowLogMax),
        _ => Err("Unsupported parameter"),
    }
}

/// The parameter of a number with a value inside its bounds.
fn compression_parameter(number: i32, value: i32) -> Option<CParameter> {
    let unsigned = value as u32;
    Some(match number {
        100 => CParameter::CompressionLevel(value),
        101 => CParameter::WindowLog(unsigned),
        102 => CParameter::HashLog(unsigned),
        103 => CParameter::ChainLog(unsigned),
        104 => CParameter::SearchLog(unsigned),
        105 => CParameter::MinMatch(unsigned),
        106 => CParameter::TargetLength(unsigned),
        107 => CParameter::Strategy(strategy(value)?),
        // 0 leaves it to the library, which long windows alone make it choose; 2 forbids it.
        160 => CParameter::EnableLongDistanceMatching(value == 1),
        161 => CParameter::LdmHashLog(unsigned),
        162 => CParameter::LdmMinMatch(unsigned),
        163 => CParameter::LdmBucketSizeLog(unsigned),
        164 => CParameter::LdmHashRateLog(unsigned),
        200 => CParameter::ContentSizeFlag(value != 0),
        201 => CParameter::ChecksumFlag(value != 0),
        202 => CParameter::DictIdFlag(value != 0),
        400 => CParameter::NbWorkers(unsigned),
        401 => CParameter::JobSize(unsigned),
        402 => CParameter::OverlapSizeLog(unsigned),
        _ => return None,
    })
}

fn strategy(number: i32) -> Option<Strategy> {
    Some(match number {
        1 => Strategy::ZSTD_fast,
        2 => Strategy::ZSTD_dfast,
        3 => Strategy::ZSTD_greedy,
        4 => Strategy::ZSTD_lazy,
        5 => Strategy::ZSTD_lazy2,
        6 => Strategy::ZSTD_btlazy2,
        7 => Strategy::ZSTD_btopt,
        8 => Strategy::ZSTD_btultra,
        9 => Strategy::ZSTD_btultra2,
        _ => return None,
    })
}

/// Sets the level of compression.
///
/// # Errors
/// `ValueError` for a level that does not exist.
pub fn set_level(vm: &Vm, context: &mut CCtx<'static>, level: i32) -> PyResult<()> {
    let (least, most) = (zstd_safe::min_c_level(), zstd_safe::max_c_level());
    if !(least..=most).contains(&level) {
        return Err(vm.value_error(format!(
            "illegal compression level {level}; the valid range is [{least}, {most}]"
        )));
    }
    match context.set_parameter(CParameter::CompressionLevel(level)) {
        Ok(_) => Ok(()),
        Err(code) => {
            let reason = zstd_safe::get_error_name(code);
            Err(ZstdError::error(vm, format!("Unable to set zstd compression level: {reason}")))
        }
    }
}

/// The error for a parameter that was not taken.
fn refused(vm: &Vm, kind: &str, name: Option<&str>, number: i32, value: i32, bounds: Bounds) -> Exception {
    vm.value_error(match (name, bounds) {
        (Some(name), Ok((least, most))) => format!(
            "{kind} parameter '{name}' received an illegal value {value}; the valid range is [{least}, {most}]"
        ),
        (Some(name), Err(_)) => format!("invalid {kind} parameter '{name}'"),
        (None, _) => format!("invalid {kind} parameter 'unknown parameter (key {number})'"),
    })
}

/// Sets the parameters that a dict gives.
///
/// # Errors
/// `TypeError` and `ValueError` for parameters that do not exist.
pub fn set_compression(vm: &Vm, context: &mut CCtx<'static>, options: &Object<Dict>) -> PyResult<i32> {
    let mut level = 0;
    for (key, value) in options.pairs() {
        if let Some((_, other)) = CLASSES.of(vm).get()
            && std::ptr::eq(key.type_of(), &*other)
        {
            let message = "compression options dictionary key must not be a DecompressionParameter attribute";
            return Err(vm.type_error(message));
        }
        let (number, value) = (c_int(vm, &key)?, c_int(vm, &value)?);
        if number == 100 {
            set_level(vm, context, value)?;
            level = value;
            continue;
        }
        let name = COMPRESSION.iter().find(|(known, ..)| *known == number).map(|(_, name, _)| *name);
        let bounds = bounds_of_compression(number);
        // The library itself cuts the numbers of workers and the sizes of their jobs.
        let (fits, value) = match bounds {
            Ok((least, most)) if matches!(number, 400 | 401) => (true, value.clamp(least, most)),
            Ok((least, most)) => (value == 0 || (least..=most).contains(&value), value),
            Err(_) => (false, value),
        };
        let parameter = if fits { parameter_or_default(number, value) } else { None };
        let set = parameter.is_some_and(|parameter| match parameter {
            Some(parameter) => context.set_parameter(parameter).is_ok(),
            None => true,
        });
        if !set {
            return Err(refused(vm, "compression", name, number, value, bounds));
        }
    }
    Ok(level)
}

/// The parameter of a number; 0 stands for what the library chooses, which needs no setting where 0 is no value.
fn parameter_or_default(number: i32, value: i32) -> Option<Option<CParameter>> {
    if value == 0 && number == 107 {
        return Some(None);
    }
    compression_parameter(number, value).map(Some)
}

/// Sets the parameters that a dict gives.
///
/// # Errors
/// `TypeError` and `ValueError` for parameters that do not exist.
pub fn set_decompression(vm: &Vm, context: &mut DCtx<'static>, options: &Object<Dict>) -> PyResult<()> {
    for (key, value) in options.pairs() {
        if let Some((other, _)) = CLASSES.of(vm).get()
            && std::ptr::eq(key.type_of(), &*other)
        {
            let message = "decompression options dictionary key must not be a CompressionParameter attribute";
            return Err(vm.type_error(message));
        }
        let (number, value) = (c_int(vm, &key)?, c_int(vm, &value)?);
        let bounds = bounds_of_decompression(number);
        let fits = bounds.is_ok_and(|(least, most)| value == 0 || (least..=most).contains(&value));
        if !fits || context.set_parameter(DParameter::WindowLogMax(value as u32)).is_err() {
            let name = (number == WINDOW_LOG_MAX).then_some("window_log_max");
            return Err(refused(vm, "decompression", name, number, value, bounds));
        }
    }
    Ok(())
}
