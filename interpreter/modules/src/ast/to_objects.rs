//! Syntax trees as Python objects.

use rspy_runtime::compile::str_of;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{ellipsis, none};
use rspy_runtime::types::set::FrozenSet;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{complex, float, int};
use rspy_runtime::object::Ref;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::ast::{self, Constant, Mod, Name, Span, Text};

use super::classes::{Class, Classes};

/// A tree as an object.
///
/// # Errors
/// `RecursionError` where the tree is too deep.
pub fn object_of(vm: &Vm, tree: &Mod) -> PyResult {
    let maker = Maker { vm, classes: Classes::get(vm)? };
    tree.object(&maker)
}

struct Maker<'a> {
    vm: &'a Vm,
    classes: &'static Classes,
}

impl Maker<'_> {
    fn node(&self, class: Class, fields: &[&dyn ToObject]) -> PyResult {
        let node = self.classes.node(class);
        if let Some(singleton) = &node.singleton
            && fields.is_empty()
            && is_shared(class)
        {
            return Ok(singleton.clone());
        }
        self.vm.check_stack(" during  ast construction")?;
        let object = self.classes.new_instance(class);
        for (name, field) in node.fields.iter().zip(fields) {
            Classes::set(self.vm, &object, name, &field.object(self)?)?;
        }
        Ok(object)
    }

    fn located(&self, class: Class, span: Span, fields: &[&dyn ToObject]) -> PyResult {
        let object = self.node(class, fields)?;
        let places = [span.line, span.column, span.end_line, span.end_column];
        for (name, place) in self.classes.attributes.iter().zip(places) {
            Classes::set(self.vm, &object, name, &int::new(i64::from(place as i32)))?;
        }
        Ok(object)
    }
}

/// Whether trees share one instance of the class: the members of enumerations.
fn is_shared(class: Class) -> bool {
    !matches!(class, Class::Pass | Class::Break | Class::Continue)
}

trait ToObject {
    fn object(&self, maker: &Maker<'_>) -> PyResult;
}

impl<T: ToObject> ToObject for Box<T> {
    fn object(&self, maker: &Maker<'_>) -> PyResult {
        (**self).object(maker)
    }
}

impl<T: ToObject> ToObject for Option<T> {
    fn object(&self, maker: &Maker<'_>) -> PyResult {
        self.as_ref().map_or_else(|| Ok(none()), |inner| inner.object(maker))
    }
}

impl<T: ToObject> ToObject for Vec<T> {
    fn object(&self, maker: &Maker<'_>) -> PyResult {
        let items = self.iter().map(|item| item.object(maker)).collect::<PyResult<Vec<_>>>()?;
        Ok(List::from_vec(items).into_value())
    }
}

impl ToObject for Name {
    fn object(&self, maker: &Maker<'_>) -> PyResult {
        Ok(maker.vm.intern(self.as_str()).into_value())
    }
}

impl ToObject for Text {
    fn object(&self, _: &Maker<'_>) -> PyResult {
        Ok(str_of(self).into_value())
    }
}

impl ToObject for i32 {
    fn object(&self, _: &Maker<'_>) -> PyResult {
        Ok(int::new(i64::from(*self)))
    }
}

impl ToObject for Constant {
    fn object(&self, maker: &Maker<'_>) -> PyResult {
        let all = |items: &[Constant]| -> PyResult<Vec<Value>> {
            items.iter().map(|item| item.object(maker)).collect()
        };
        Ok(match self {
            Constant::None => none(),
            Constant::True => boolean(true),
            Constant::False => boolean(false),
            Constant::Ellipsis => ellipsis(),
            Constant::Int(small) => int::new(*small),
            Constant::BigInt(big) => int::from_big((**big).clone()),
            Constant::Float(value) => float::new(*value),
            Constant::Complex { real, imag } => complex::new(*real, *imag),
            Constant::Str(text) => str_of(text).into_value(),
            Constant::Bytes(bytes) if bytes.is_empty() => Bytes::empty().into_value(),
            Constant::Bytes(bytes) => Bytes::new(&bytes[..]).into_value(),
            Constant::Tuple(items) => Tuple::from_values(all(items)?).into_value(),
            Constant::FrozenSet(items) => FrozenSet::from_values(maker.vm, all(items)?).map(Ref::into_value)?,
        })
    }
}

macro_rules! make_objects {
    (
        enumerations { $( $enumeration_asdl:ident $enumeration:ident { $( $member:ident ),* } )* }
        sums { $(
            $sum_asdl:ident $sum:ident {
                $( $constructor:ident { $( $field:ident : $type:tt ),* } )*
            }
        )* }
        located_sums { $(
            $located_asdl:ident $located:ident $kind:ident {
                $( $located_constructor:ident { $( $located_field:ident : $located_type:tt ),* } )*
            }
            attributes { $( $located_attribute:ident : $located_attribute_type:tt ),* }
        )* }
        products { $(
            $product_asdl:ident $product:ident { $( $product_field:ident : $product_type:tt ),* }
        )* }
        located_products { $(
            $place_asdl:ident $place:ident { $( $place_field:ident : $place_type:tt ),* }
            attributes { $( $place_attribute:ident : $place_attribute_type:tt ),* }
        )* }
    ) => {
        $( impl ToObject for ast::$enumeration {
            fn object(&self, maker: &Maker<'_>) -> PyResult {
                match self { $( ast::$enumeration::$member => maker.node(Class::$member, &[]) ),* }
            }
        } )*
        $( impl ToObject for ast::$sum {
            fn object(&self, maker: &Maker<'_>) -> PyResult {
                match self {
                    $( ast::$sum::$constructor { $( $field ),* } => {
                        maker.node(Class::$constructor, &[$( $field ),*])
                    } )*
                }
            }
        } )*
        $( impl ToObject for ast::$located {
            fn object(&self, maker: &Maker<'_>) -> PyResult {
                match &self.kind {
                    $( ast::$kind::$located_constructor { $( $located_field ),* } => {
                        maker.located(Class::$located_constructor, self.span, &[$( $located_field ),*])
                    } )*
                }
            }
        } )*
        $( impl ToObject for ast::$product {
            fn object(&self, maker: &Maker<'_>) -> PyResult {
                maker.node(Class::$product, &[$( &self.$product_field ),*])
            }
        } )*
        $( impl ToObject for ast::$place {
            fn object(&self, maker: &Maker<'_>) -> PyResult {
                maker.located(Class::$place, self.span, &[$( &self.$place_field ),*])
            }
        } )*
    };
}
rspy_syntax::for_each_node!(make_objects);
