//! The node classes, made from the one table of syntax nodes.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::OnceLock;

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::int::Int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::object::BaseObject;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::{Type, TypeFlags, build, instance};
use rspy_runtime::types::union;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::Ast;

/// How often a field's value stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quantifier {
    /// Once.
    One,
    /// Once or not at all.
    Optional,
    /// In a list.
    Many,
    /// In a list that may have gaps.
    ManyOptional,
}

impl Quantifier {
    fn sign(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Optional => "?",
            Self::Many => "*",
            Self::ManyOptional => "?*",
        }
    }
}

/// A field or an attribute of a node.
pub struct Field {
    name: &'static str,
    typ: &'static str,
    quantifier: Quantifier,
}

impl Field {
    fn name(&self) -> &'static str {
        self.name.strip_prefix("r#").unwrap_or(self.name)
    }
}

/// A constructor of a sum, or a product.
pub struct Shape {
    class: Class,
    name: &'static str,
    fields: &'static [Field],
}

impl Shape {
    /// As the asdl writes it.
    fn signature(&self) -> String {
        if self.fields.is_empty() {
            return self.name.to_owned();
        }
        let mut text = format!("{}(", self.name);
        for (index, field) in self.fields.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let _ = write!(text, "{separator}{}{} {}", field.typ, field.quantifier.sign(), field.name());
        }
        text.push(')');
        text
    }
}

/// A type of the asdl: a sum of constructors, or a product, which is its own only shape.
pub struct AsdlType {
    name: &'static str,
    is_product: bool,
    attributes: &'static [Field],
    shapes: &'static [Shape],
}

impl AsdlType {
    fn doc(&self) -> String {
        let separator = if self.shapes.iter().all(|shape| shape.fields.is_empty()) {
            " | ".to_owned()
        } else {
            format!("\n{}| ", " ".repeat(self.name.len() + 1))
        };
        let shapes: Vec<String> = self.shapes.iter().map(Shape::signature).collect();
        format!("{} = {}", self.name, shapes.join(&separator))
    }
}

macro_rules! field {
    ($name:ident [$typ:ident]) => {
        Field { name: stringify!($name), typ: stringify!($typ), quantifier: Quantifier::One }
    };
    ($name:ident [$typ:ident ?]) => {
        Field { name: stringify!($name), typ: stringify!($typ), quantifier: Quantifier::Optional }
    };
    ($name:ident [$typ:ident *]) => {
        Field { name: stringify!($name), typ: stringify!($typ), quantifier: Quantifier::Many }
    };
    ($name:ident [$typ:ident ? *]) => {
        Field { name: stringify!($name), typ: stringify!($typ), quantifier: Quantifier::ManyOptional }
    };
}

macro_rules! describe_nodes {
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
        /// A class whose instances stand in trees.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs)]
        pub enum Class {
            $( $( $member, )* )*
            $( $( $constructor, )* )*
            $( $( $located_constructor, )* )*
            $( $product, )*
            $( $place, )*
        }

        static TYPES: &[AsdlType] = &[
            $( AsdlType {
                name: stringify!($enumeration_asdl),
                is_product: false,
                attributes: &[],
                shapes: &[$( Shape { class: Class::$member, name: stringify!($member), fields: &[] } ),*],
            }, )*
            $( AsdlType {
                name: stringify!($sum_asdl),
                is_product: false,
                attributes: &[],
                shapes: &[$( Shape {
                    class: Class::$constructor,
                    name: stringify!($constructor),
                    fields: &[$( field!($field $type) ),*],
                } ),*],
            }, )*
            $( AsdlType {
                name: stringify!($located_asdl),
                is_product: false,
                attributes: &[$( field!($located_attribute $located_attribute_type) ),*],
                shapes: &[$( Shape {
                    class: Class::$located_constructor,
                    name: stringify!($located_constructor),
                    fields: &[$( field!($located_field $located_type) ),*],
                } ),*],
            }, )*
            $( AsdlType {
                name: stringify!($product_asdl),
                is_product: true,
                attributes: &[],
                shapes: &[Shape {
                    class: Class::$product,
                    name: stringify!($product_asdl),
                    fields: &[$( field!($product_field $product_type) ),*],
                }],
            }, )*
            $( AsdlType {
                name: stringify!($place_asdl),
                is_product: true,
                attributes: &[$( field!($place_attribute $place_attribute_type) ),*],
                shapes: &[Shape {
                    class: Class::$place,
                    name: stringify!($place_asdl),
                    fields: &[$( field!($place_field $place_type) ),*],
                }],
            }, )*
        ];
    };
}
rspy_syntax::for_each_node!(describe_nodes);

/// The asdl's own order of its types.
const ORDER: &[&str] = &[
    "mod", "stmt", "expr", "expr_context", "boolop", "operator", "unaryop", "cmpop", "comprehension",
    "excepthandler", "arguments", "arg", "keyword", "alias", "withitem", "match_case", "pattern", "type_ignore",
    "type_param",
];

/// A class, ready for making instances.
pub struct Node {
    /// The class.
    pub class: Ref<Type>,
    /// The names of its fields.
    pub fields: Vec<Ref<Str>>,
    /// The one instance that parsed trees use of a class without fields.
    pub singleton: Option<Value>,
}

/// All node classes.
pub struct Classes {
    /// By [`Class`].
    nodes: Vec<Node>,
    by_address: HashMap<usize, Class>,
    /// Every class by its name, in the order they were made.
    pub named: Vec<(&'static str, Ref<Type>)>,
    /// `lineno`, `col_offset`, `end_lineno`, `end_col_offset`.
    pub attributes: [Ref<Str>; 4],
}

static CLASSES: OnceLock<Classes> = OnceLock::new();

impl Classes {
    /// The classes, made the first time they are asked for.
    ///
    /// # Errors
    /// What making a class raises.
    pub fn get(vm: &Vm) -> PyResult<&'static Classes> {
        if let Some(classes) = CLASSES.get() {
            return Ok(classes);
        }
        let classes = Builder::new(vm).build()?;
        Ok(CLASSES.get_or_init(|| classes))
    }

    /// A class.
    pub fn node(&self, class: Class) -> &Node {
        &self.nodes[class as usize]
    }

    /// Which class an object is of, or derived from.
    pub fn class_of(&self, value: &Value) -> Option<Class> {
        let typ = value.type_of();
        if let Some(class) = self.by_address.get(&address(typ)) {
            return Some(*class);
        }
        let order = typ.mro();
        order
            .items()
            .iter()
            .filter_map(|base| base.downcast::<Type>())
            .find_map(|base| self.by_address.get(&address(base)).copied())
    }

    /// An instance whose attributes are still to be set.
    pub fn new_instance(&self, class: Class) -> Value {
        Object::with_type(&self.node(class).class, Ast).into_value()
    }

    /// Sets an attribute of an instance made by [`Classes::new_instance`].
    ///
    /// # Errors
    /// What the attribute dict raises.
    pub fn set(vm: &Vm, instance: &Value, name: &Object<Str>, value: &Value) -> PyResult<()> {
        instance::set(vm, instance, name, Some(value)).map(drop)
    }
}

fn address(typ: &TypeObject) -> usize {
    std::ptr::from_ref(typ) as usize
}

/// The classes being made.
struct Builder<'a> {
    vm: &'a Vm,
    named: Vec<(&'static str, Ref<Type>)>,
    none: Value,
    field_types: HashMap<(&'static str, Quantifier), Value>,
}

impl<'a> Builder<'a> {
    fn new(vm: &'a Vm) -> Self {
        Builder { vm, named: Vec::new(), none: none(), field_types: HashMap::new() }
    }

    fn build(mut self) -> PyResult<Classes> {
        let mut types: Vec<&AsdlType> = TYPES.iter().collect();
        types.sort_by_key(|typ| ORDER.iter().position(|name| *name == typ.name));
        let base = Ast::static_type().to_ref();
        base.ready(self.vm);
        // Programs may give the base of all nodes other attributes.
        base.clear_flag(TypeFlags::IMMUTABLE);
        for name in ["_fields", "__match_args__", "_attributes"] {
            base.dict().set_str(&self.vm.intern(name), Tuple::empty().into_value());
        }
        base.modified();
        let mut nodes = Vec::new();
        for typ in &types {
            let parent = if typ.is_product {
                base.clone()
            } else {
                let namespace = self.namespace(&[], &typ.doc());
                self.add_attributes(&namespace, typ.attributes);
                self.class(typ.name, &base, &namespace)?
            };
            for shape in typ.shapes {
                let namespace = self.namespace(shape.fields, &shape.signature());
                self.add_defaults(&namespace, shape.fields);
                if typ.is_product {
                    self.add_attributes(&namespace, typ.attributes);
                }
                let class = self.class(shape.name, &parent, &namespace)?;
                nodes.push((shape, class));
            }
        }
        for (shape, class) in &nodes {
            self.add_field_types(shape, class)?;
        }
        Ok(self.finish(nodes))
    }

    fn finish(self, mut nodes: Vec<(&'static Shape, Ref<Type>)>) -> Classes {
        nodes.sort_by_key(|(shape, _)| shape.class as usize);
        let by_address = nodes.iter().map(|(shape, class)| (address(class), shape.class)).collect();
        let nodes = nodes.into_iter().map(|(shape, class)| {
            let singleton = shape.fields.is_empty().then(|| Object::with_type(&class, Ast).into_value());
            let fields = shape.fields.iter().map(|field| self.vm.intern(field.name())).collect();
            Node { class, fields, singleton }
        });
        Classes {
            nodes: nodes.collect(),
            by_address,
            named: self.named,
            attributes: ["lineno", "col_offset", "end_lineno", "end_col_offset"].map(|name| self.vm.intern(name)),
        }
    }

    fn names(&self, fields: &[Field]) -> Value {
        let names = fields.iter().map(|field| self.vm.intern(field.name()).into_value());
        Tuple::from_values(names.collect::<Vec<_>>()).into_value()
    }

    fn namespace(&self, fields: &[Field], doc: &str) -> Ref<Dict> {
        let namespace = Dict::new();
        let names = self.names(fields);
        namespace.set_str(&self.vm.intern("_fields"), names.clone());
        namespace.set_str(&self.vm.intern("__match_args__"), names);
        namespace.set_str(&self.vm.intern("__module__"), self.vm.intern("ast").into_value());
        namespace.set_str(&self.vm.intern("__doc__"), self.vm.new_str(doc));
        namespace
    }

    fn add_attributes(&self, namespace: &Object<Dict>, attributes: &[Field]) {
        namespace.set_str(&self.vm.intern("_attributes"), self.names(attributes));
        self.add_defaults(namespace, attributes);
    }

    fn add_defaults(&self, namespace: &Object<Dict>, fields: &[Field]) {
        for field in fields.iter().filter(|field| field.quantifier == Quantifier::Optional) {
            namespace.set_str(&self.vm.intern(field.name()), self.none.clone());
        }
    }

    fn class(&mut self, name: &'static str, base: &Ref<Type>, namespace: &Object<Dict>) -> PyResult<Ref<Type>> {
        let bases = Tuple::from_values([base.clone().into_value()]);
        let metaclass = Type::static_type();
        let class = build::new_class(self.vm, metaclass, &self.vm.intern(name), &bases, namespace, &[], None)?;
        let class = class.downcast_into::<Type>().map_err(|_| self.vm.system_error("a class is no type"))?;
        self.named.push((name, class.clone()));
        Ok(class)
    }

    /// `_field_types`, which is what annotations show too.
    fn add_field_types(&mut self, shape: &Shape, class: &Ref<Type>) -> PyResult<()> {
        let types = Dict::new();
        for field in shape.fields {
            let typ = self.field_type(field)?;
            types.set_str(&self.vm.intern(field.name()), typ);
        }
        for name in ["_field_types", "__annotations_cache__"] {
            class.dict().set_str(&self.vm.intern(name), types.clone().into_value());
        }
        class.modified();
        Ok(())
    }

    fn field_type(&mut self, field: &Field) -> PyResult {
        let key = (field.typ, field.quantifier);
        if let Some(known) = self.field_types.get(&key) {
            return Ok(known.clone());
        }
        let single = match field.typ {
            "identifier" | "string" => Str::static_type().to_value(),
            "int" => Int::static_type().to_value(),
            "constant" => BaseObject::static_type().to_value(),
            name => match self.named.iter().find(|(known, _)| *known == name) {
                Some((_, class)) => class.clone().into_value(),
                None => return Err(self.vm.system_error(format!("no class {name}"))),
            },
        };
        let typ = match field.quantifier {
            Quantifier::One => single,
            Quantifier::Optional => union::make(self.vm, &[single, self.none.clone()])?,
            Quantifier::Many | Quantifier::ManyOptional => {
                generic_alias::new(self.vm, &List::static_type().to_value(), &single)
            }
        };
        self.field_types.insert(key, typ.clone());
        Ok(typ)
    }
}
