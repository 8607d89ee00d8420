//! The module `_zoneinfo`: time zones of the IANA database (PEP 615).

mod rules;
mod table;

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::datetime::{DateTime, TzInfo, moment_in_zone};
use rules::EPOCH_ORDINAL;
use table::{Kind, Table, number};

/// Where a zone comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// It was made for its key alone.
    NoCache,
    /// It is the one that its key always gives.
    Cache,
    /// It was read from a file object.
    File,
}

// Without documentation, as in CPython.
#[pyclass(name = "ZoneInfo", module = "zoneinfo", extends = TzInfo, subclassable, weak)]
#[repr(C)]
#[allow(missing_docs)]
pub struct ZoneInfo {
    base: TzInfo,
    source: Cell<Source>,
    /// The key, or `None`.
    key: Value,
    /// How the file object shows itself that the zone was read from.
    file: Option<Ref<Str>>,
    table: Table,
}

/// The zones of `ZoneInfo` itself that are alive, by key; derived classes have a cache of their own.
static WEAK_CACHE: PerInterpreter<GilCell<Option<Value>>> = PerInterpreter::new(GilCell::default);
/// Keys and zones that were asked for last; they are kept alive.
static STRONG_CACHE: PerInterpreter<GilCell<Vec<(Value, Value)>>> = PerInterpreter::new(GilCell::default);
/// How many are kept alive.
const STRONG_CACHE_SIZE: usize = 8;

fn is_plain(class: &TypeObject) -> bool {
    std::ptr::eq(class, ZoneInfo::static_type())
}

fn new_weak_cache(vm: &Vm) -> PyResult {
    let weakref = import_module(vm, "weakref")?;
    vm.call_method_str(&weakref, "WeakValueDictionary", &[])
}

fn weak_cache(vm: &Vm, class: &TypeObject) -> PyResult {
    if !is_plain(class) {
        return vm.get_attribute_str(&class.as_value(), "_weak_cache");
    }
    if let Some(cache) = WEAK_CACHE.of(vm).get() {
        return Ok(cache);
    }
    let cache = new_weak_cache(vm)?;
    WEAK_CACHE.of(vm).set(Some(cache.clone()));
    Ok(cache)
}

/// Takes a key and its zone out of the strong cache.
fn take_from_strong_cache(vm: &Vm, key: &Value) -> PyResult<Option<(Value, Value)>> {
    let keys: Vec<Value> = STRONG_CACHE.of(vm).borrow().iter().map(|(key, _)| key.clone()).collect();
    for known in keys {
        if !vm.same_or_equal(&known, key)? {
            continue;
        }
        // Comparing may have changed the cache.
        let mut cache = STRONG_CACHE.of(vm).borrow_mut();
        if let Some(at) = cache.iter().position(|(other, _)| other.is(&known)) {
            return Ok(Some(cache.remove(at)));
        }
    }
    Ok(None)
}

fn put_into_strong_cache(vm: &Vm, key: &Value, zone: &Value) {
    let fallen = {
        let mut cache = STRONG_CACHE.of(vm).borrow_mut();
        cache.insert(0, (key.clone(), zone.clone()));
        if cache.len() > STRONG_CACHE_SIZE { cache.pop() } else { None }
    };
    drop(fallen);
}

impl ZoneInfo {
    /// A zone read from the database.
    fn of_key(vm: &Vm, class: &TypeObject, key: &Value, source: Source) -> PyResult<Ref<ZoneInfo>> {
        let paths = import_module(vm, "zoneinfo._tzpath")?;
        let path = vm.call_method_str(&paths, "find_tzfile", std::slice::from_ref(key))?;
        let file = if is_none(&path) {
            let common = import_module(vm, "zoneinfo._common")?;
            vm.call_method_str(&common, "load_tzdata", std::slice::from_ref(key))?
        } else {
            let io = import_module(vm, "io")?;
            vm.call_method_str(&io, "open", &[path, vm.new_str("rb")])?
        };
        let table = Table::read(vm, &file);
        let closed = vm.call_method_str(&file, "close", &[]);
        let table = table?;
        closed?;
        Ok(Self::make(class, source, key.clone(), None, table))
    }

    fn make(class: &TypeObject, source: Source, key: Value, file: Option<Ref<Str>>, table: Table) -> Ref<ZoneInfo> {
        let zone = ZoneInfo { base: TzInfo {}, source: Cell::new(source), key, file, table };
        Object::with_type(class, zone)
    }

    /// What holds at a moment; nothing where there is no moment and the zone changes.
    fn kind(&self, vm: &Vm, moment: &Value) -> PyResult<Option<Kind>> {
        if is_none(moment) {
            return Ok(self.table.is_fixed.then(|| self.table.standard().clone()));
        }
        let time = local_seconds(vm, moment)?;
        let (year, fold) = match moment.downcast::<DateTime>() {
            Some(moment) => (moment.moment().year, moment.fold() != 0),
            None => {
                let year = number(vm, &vm.get_attribute_str(moment, "year")?)?;
                let fold = number(vm, &vm.get_attribute_str(moment, "fold")?)?;
                (i32::try_from(year).unwrap_or(1).clamp(1, 9999), fold != 0)
            }
        };
        Ok(Some(self.table.at_local(time, fold, year).clone()))
    }

    fn shown(this: &Object<ZoneInfo>, vm: &Vm) -> PyResult<String> {
        let name = crate::pickle::type_name(vm, &this.as_value());
        Ok(match &this.file {
            Some(file) if is_none(&this.key) => format!("{name}.from_file({})", file.to_string_lossy()),
            _ => format!("{name}(key={})", vm.repr(&this.key)?.to_string_lossy()),
        })
    }
}

/// Seconds from 1970 to a moment, both in local time.
fn local_seconds(vm: &Vm, moment: &Value) -> PyResult<i64> {
    if let Some(exact) = moment.downcast_exact::<DateTime>() {
        return Ok(exact.moment().seconds() - EPOCH_ORDINAL * 86_400);
    }
    let ordinal = number(vm, &vm.call_method_str(moment, "toordinal", &[])?)?;
    let mut seconds = 0;
    for (name, unit) in [("hour", 3600), ("minute", 60), ("second", 1)] {
        seconds += number(vm, &vm.get_attribute_str(moment, name)?)?.saturating_mul(unit);
    }
    Ok(ordinal.saturating_sub(EPOCH_ORDINAL).saturating_mul(86_400).saturating_add(seconds))
}

#[pymethods]
impl ZoneInfo {
    #[new("ZoneInfo(key)")]
    fn new(vm: &Vm, cls: &TypeObject, key: &Value) -> PyResult {
        if is_plain(cls)
            && let Some((key, zone)) = take_from_strong_cache(vm, key)?
        {
            put_into_strong_cache(vm, &key, &zone);
            return Ok(zone);
        }
        let cache = weak_cache(vm, cls)?;
        let mut instance = vm.call_method_str(&cache, "get", &[key.clone(), none()])?;
        if is_none(&instance) {
            let made = Self::of_key(vm, cls, key, Source::Cache)?.into_value();
            instance = vm.call_method_str(&cache, "setdefault", &[key.clone(), made])?;
        }
        let Some(zone) = instance.downcast::<ZoneInfo>() else {
            let (instance, class) = (instance.type_of().full_name(), cls.name());
            let key = vm.repr(key)?;
            return Err(vm.runtime_error(format!(
                "Unexpected instance of {instance} in {class} weak cache for key {}",
                key.to_string_lossy()
            )));
        };
        zone.source.set(Source::Cache);
        if is_plain(cls) {
            put_into_strong_cache(vm, key, &instance);
        }
        Ok(instance)
    }

    #[getter("key", member)]
    fn key(&self) -> Value {
        self.key.clone()
    }

    /// Clear the ZoneInfo cache.
    #[classmethod("clear_cache(type, /, *, only_keys=None)")]
    fn clear_cache(vm: &Vm, cls: &TypeObject, only_keys: Option<&Value>) -> PyResult<()> {
        let cache = weak_cache(vm, cls)?;
        let Some(keys) = only_keys else {
            vm.call_method_str(&cache, "clear", &[])?;
            if is_plain(cls) {
                drop(STRONG_CACHE.of(vm).take());
            }
            return Ok(());
        };
        vm.for_each(keys, |key| {
            if is_plain(cls) {
                drop(take_from_strong_cache(vm, &key)?);
            }
            vm.call_method_str(&cache, "pop", &[key, none()]).map(drop)
        })
    }

    /// Get a new instance of ZoneInfo, bypassing the cache.
    #[classmethod("no_cache(type, /, key)")]
    fn no_cache(vm: &Vm, cls: &TypeObject, key: &Value) -> PyResult<Ref<ZoneInfo>> {
        Self::of_key(vm, cls, key, Source::NoCache)
    }

    /// Create a ZoneInfo file from a file object.
    #[classmethod("from_file(type, file_obj, /, key=None)")]
    fn from_file(vm: &Vm, cls: &TypeObject, file_obj: &Value, key: Option<&Value>) -> PyResult<Ref<ZoneInfo>> {
        let shown = vm.repr(file_obj)?;
        let table = Table::read(vm, file_obj)?;
        Ok(Self::make(cls, Source::File, key.cloned().unwrap_or_else(none), Some(shown), table))
    }

    /// Retrieve a timedelta representing the UTC offset in a zone at the given datetime.
    #[method("utcoffset(self, dt, /)")]
    fn utcoffset(&self, vm: &Vm, dt: &Value) -> PyResult {
        Ok(self.kind(vm, dt)?.map_or_else(none, |kind| kind.offset.into_value()))
    }

    /// Retrieve a timedelta representing the amount of DST applied in a zone at the given datetime.
    #[method("dst(self, dt, /)")]
    fn dst(&self, vm: &Vm, dt: &Value) -> PyResult {
        Ok(self.kind(vm, dt)?.map_or_else(none, |kind| kind.saved.into_value()))
    }

    /// Retrieve a string containing the abbreviation for the time zone that applies in a zone at a given datetime.
    #[method("tzname(self, dt, /)")]
    fn tzname(&self, vm: &Vm, dt: &Value) -> PyResult {
        Ok(self.kind(vm, dt)?.map_or_else(none, |kind| kind.name))
    }

    /// Given a datetime with local time in UTC, retrieve an adjusted datetime in local time.
    #[method("fromutc(self, object, /)")]
    fn fromutc(this: &Object<ZoneInfo>, vm: &Vm, object: &Value) -> PyResult {
        let moment = moment_in_zone(vm, &this.as_value(), object)?;
        let time = local_seconds(vm, object)?;
        let (kind, fold) = this.table.at_universal(time, moment.moment().year);
        let kind = kind.clone();
        let local = vm.add(object, kind.offset.value())?;
        if !fold {
            return Ok(local);
        }
        match local.downcast_exact::<DateTime>() {
            Some(exact) => Ok(DateTime::plain(&exact.moment(), exact.zone().as_ref(), 1)),
            None => {
                let replace = vm.get_attribute_str(&local, "replace")?;
                vm.call_with_keywords(&replace, &[], &[("fold", Value::int(1))])
            }
        }
    }

    /// Function for serialization with the pickle protocol.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<ZoneInfo>, vm: &Vm) -> PyResult<Ref<Tuple>> {
        if this.source.get() == Source::File {
            let pickle = import_module(vm, "pickle")?;
            let class = vm.get_attribute_str(&pickle, "PicklingError")?;
            let message = vm.new_str("Cannot pickle a ZoneInfo file from a file stream.");
            let error = vm.call(&class, &[message])?;
            return Err(rspy_runtime::exceptions::prepare_raise(vm, &error, None)?);
        }
        let function = vm.get_attribute_str(&this.as_value(), "_unpickle")?;
        let cached = int::new(i64::from(this.source.get() == Source::Cache));
        let args = Tuple::from_values([this.key.clone(), cached]);
        Ok(Tuple::from_values([function, args.into_value()]))
    }

    /// Private method used in unpickling.
    #[classmethod("_unpickle(type, key, from_cache, /)")]
    fn unpickle(vm: &Vm, cls: &TypeObject, key: &Value, from_cache: u8) -> PyResult {
        if from_cache != 0 {
            return Self::new(vm, cls, key);
        }
        Ok(Self::of_key(vm, cls, key, Source::NoCache)?.into_value())
    }

    /// Function to initialize subclasses.
    #[classmethod("__init_subclass__")]
    fn init_subclass(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let _ = (args, names);
        vm.set_attribute_str(&cls.as_value(), "_weak_cache", &new_weak_cache(vm)?)
    }

    #[slot(repr)]
    fn repr(this: &Object<ZoneInfo>, vm: &Vm) -> PyResult<String> {
        Self::shown(this, vm)
    }

    #[slot(str)]
    fn str(this: &Object<ZoneInfo>, vm: &Vm) -> PyResult {
        if is_none(&this.key) {
            return Ok(vm.new_str(&Self::shown(this, vm)?));
        }
        Ok(this.key.clone())
    }
}

native_module! {
    name: "_zoneinfo",
    doc: "Time zones of the IANA database, natively.",
    functions: [], types: [ZoneInfo], execute: |_, _| Ok(())
}
