//! What `date.isocalendar()` answers: a tuple whose items have names.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The result of date.isocalendar() or datetime.isocalendar()
///
/// This object may be accessed either as a tuple of
///   ((year, week, weekday)
/// or via the object attributes as named in the above tuple.
#[pyclass(name = "IsoCalendarDate", module = "datetime", extends = Tuple, tracked, variable)]
#[repr(C)]
pub struct IsoCalendarDate {
    tuple: Tuple,
}

impl IsoCalendarDate {
    /// The date of these numbers.
    pub fn make(numbers: (i32, i32, i32)) -> Value {
        let (year, week, weekday) = numbers;
        Self::of_values([year, week, weekday].map(Value::int))
    }

    fn of_values(values: [Value; 3]) -> Value {
        Tuple::of_type(Self::static_type(), values.into_iter()).into_value()
    }
}

#[pymethods]
impl IsoCalendarDate {
    #[new("IsoCalendarDate(year, week, weekday)")]
    fn new(vm: &Vm, _cls: &TypeObject, year: &Value, week: &Value, weekday: &Value) -> PyResult {
        let mut numbers = [int::new(0), int::new(0), int::new(0)];
        for (place, value) in numbers.iter_mut().zip([year, week, weekday]) {
            *place = Value::int(super::arguments::clinic_int(vm, value)?);
        }
        Ok(Self::of_values(numbers))
    }

    #[slot(repr)]
    fn repr(this: &Object<IsoCalendarDate>, vm: &Vm) -> PyResult<String> {
        let items = this.tuple.items();
        let shown = [&items[0], &items[1], &items[2]].map(|item| vm.repr(item));
        let [year, week, weekday] = shown;
        Ok(format!(
            "{}(year={}, week={}, weekday={})",
            this.type_of().full_name(),
            year?.to_string_lossy(),
            week?.to_string_lossy(),
            weekday?.to_string_lossy()
        ))
    }

    #[getter("year")]
    fn year(&self) -> Value {
        self.tuple.items()[0].clone()
    }

    #[getter("week")]
    fn week(&self) -> Value {
        self.tuple.items()[1].clone()
    }

    #[getter("weekday")]
    fn weekday(&self) -> Value {
        self.tuple.items()[2].clone()
    }

    #[method("__reduce__(self, /)")]
    fn reduce(&self) -> Ref<Tuple> {
        let plain = Tuple::from_slice(self.tuple.items()).into_value();
        let state = Tuple::from_values([plain]).into_value();
        Tuple::from_values([Tuple::static_type().to_value(), state])
    }
}
