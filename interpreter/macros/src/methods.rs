//! `#[pymethods]` and `#[pyfunctions]`: tables of native functions, attributes and slots.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Lit, Meta, Pat, Token, Type};

use crate::class::documentation;
use crate::signature::{Parameter, ParameterKind, Signature};

/// What the block belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Type,
    Module,
}

#[derive(Default)]
struct Tables {
    functions: Vec<TokenStream>,
    attributes: Vec<AttributeDef>,
    slots: Vec<TokenStream>,
}

struct AttributeDef {
    name: String,
    doc: String,
    member: bool,
    get: Option<TokenStream>,
    set: Option<TokenStream>,
}

pub fn expand(options: TokenStream, item: TokenStream, kind: Kind) -> syn::Result<TokenStream> {
    let mut block: ItemImpl = syn::parse2(item)?;
    let table: Option<Ident> = if options.is_empty() { None } else { Some(syn::parse2(options)?) };
    let owner = block.self_ty.clone();
    let mut tables = Tables::default();
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            let (marks, kept): (Vec<_>, Vec<_>) = function.attrs.drain(..).partition(is_mark);
            function.attrs = kept;
            let doc = documentation(&function.attrs);
            for mark in marks {
                expand_mark(&mark, function, &owner, &doc, &mut tables)?;
            }
            // Documentation of Python functions goes to the table; rustdoc keeps it too.
        }
    }
    let rt = quote!(::rspy_runtime);
    let functions = &tables.functions;
    let function_table = quote!(&[#(#functions),*]);
    let tables_block = match (kind, table) {
        (_, Some(name)) => quote! {
            #[doc(hidden)]
            pub const #name: &'static [#rt::native::NativeDef] = #function_table;
        },
        (Kind::Module, None) => quote! {
            #[doc(hidden)]
            pub const FUNCTIONS: &'static [#rt::native::NativeDef] = #function_table;
        },
        (Kind::Type, None) => {
            let attributes = tables.attributes.iter().map(|attribute| {
                let AttributeDef { name, doc, member, get, set } = attribute;
                let get = get.clone().unwrap_or_else(|| quote!(|_, _| unreachable!()));
                let set = set.as_ref().map_or_else(|| quote!(None), |set| quote!(Some(#set)));
                quote!(#rt::native::GetSetDef { name: #name, doc: #doc, get: #get, set: #set, member: #member })
            });
            let slots = &tables.slots;
            quote! {
                #[doc(hidden)]
                pub const METHODS: &'static [#rt::native::NativeDef] = #function_table;
                #[doc(hidden)]
                pub const ATTRIBUTES: &'static [#rt::native::GetSetDef] = &[#(#attributes),*];
                #[doc(hidden)]
                #[allow(clippy::declare_interior_mutable_const)]
                pub const SLOTS: #rt::slots::Slots = #rt::slots::Slots {
                    #(#slots,)*
                    ..#rt::slots::Slots::EMPTY
                };
            }
        }
    };
    Ok(quote! {
        #block

        #[allow(clippy::all, clippy::pedantic, unused_variables)]
        impl #owner {
            #tables_block
        }
    })
}

const MARKS: [&str; 9] =
    ["method", "classmethod", "staticmethod", "function", "getter", "setter", "slot", "new", "init"];

fn is_mark(attribute: &Attribute) -> bool {
    MARKS.iter().any(|mark| attribute.path().is_ident(mark))
}

/// The string and the further words of a mark.
fn mark_text(mark: &Attribute) -> syn::Result<(String, Vec<String>)> {
    let Meta::List(list) = &mark.meta else {
        return Err(syn::Error::new(mark.span(), "a signature is expected"));
    };
    let mut text = None;
    let mut words = Vec::new();
    for expression in Punctuated::<syn::Expr, Token![,]>::parse_terminated.parse2(list.tokens.clone())? {
        let expression = match expression {
            syn::Expr::Group(group) => *group.expr,
            other => other,
        };
        match expression {
            syn::Expr::Lit(literal) => {
                if let Lit::Str(value) = literal.lit {
                    text = Some(value.value());
                }
            }
            syn::Expr::Path(path) => words.push(path.path.require_ident()?.to_string()),
            other => return Err(syn::Error::new(other.span(), "a string or a word is expected")),
        }
    }
    text.map(|text| (text, words)).ok_or_else(|| syn::Error::new(mark.span(), "a signature is expected"))
}

fn expand_mark(
    mark: &Attribute,
    function: &ImplItemFn,
    owner: &Type,
    doc: &str,
    tables: &mut Tables,
) -> syn::Result<()> {
    let rt = quote!(::rspy_runtime);
    let kind = mark.path().require_ident()?.to_string();
    let ident = &function.sig.ident;
    match kind.as_str() {
        "method" | "classmethod" | "staticmethod" | "function" => {
            let (text, _) = mark_text(mark)?;
            let bound = matches!(kind.as_str(), "method" | "classmethod");
            let signature = Signature::parse(&text, mark.span(), bound)?;
            let (binding, receiver) = match kind.as_str() {
                "method" => (quote!(Method), Some("self")),
                "classmethod" => (quote!(ClassMethod), Some("type")),
                "staticmethod" => (quote!(StaticMethod), None),
                _ => (quote!(Function), Some("module")),
            };
            let receiver_shown = signature.receiver.clone().or_else(|| receiver.map(str::to_owned));
            let text_signature =
                signature.text_signature(receiver_shown.as_deref().filter(|_| receiver.is_some()));
            let name = &signature.name;
            let takes = match kind.as_str() {
                "method" => Receives::Instance,
                "classmethod" => Receives::Class,
                _ => Receives::Nothing,
            };
            let call = native_call(function, owner, &signature, takes)?;
            tables.functions.push(quote! {
                #rt::native::NativeDef {
                    name: #name, signature: #text_signature, doc: #doc,
                    binding: #rt::native::Binding::#binding, call: #call,
                }
            });
        }
        "new" | "init" => {
            let (text, _) = mark_text(mark)?;
            let signature = Signature::parse(&text, mark.span(), false)?;
            let slot = format_ident!("{kind}");
            let function = construction(function, owner, &signature, &kind)?;
            tables.slots.push(quote!(#slot: ::std::cell::Cell::new(Some(#function))));
        }
        "getter" | "setter" => {
            let (name, words) = mark_text(mark)?;
            let member = words.iter().any(|word| word == "member");
            let index = match tables.attributes.iter().position(|attribute| attribute.name == name) {
                Some(index) => index,
                None => {
                    tables.attributes.push(AttributeDef {
                        name,
                        doc: String::new(),
                        member,
                        get: None,
                        set: None,
                    });
                    tables.attributes.len() - 1
                }
            };
            let attribute = &mut tables.attributes[index];
            attribute.member |= member;
            if kind == "getter" {
                doc.clone_into(&mut attribute.doc);
                let call = direct_call(function, owner, &[])?;
                attribute.get = Some(quote! {
                    |vm: &#rt::vm::Vm, instance: &#rt::value::Value| #rt::convert::IntoResult::into_result(#call, vm)
                });
            } else {
                let call = direct_call(function, owner, &[quote!(value)])?;
                attribute.set = Some(quote! {
                    |vm: &#rt::vm::Vm, instance: &#rt::value::Value, value: Option<&#rt::value::Value>| #call
                });
            }
        }
        "slot" => {
            let names = Punctuated::<Ident, Token![,]>::parse_terminated
                .parse2(mark.meta.require_list()?.tokens.clone())?;
            for name in names {
                let function = slot_function(&name, function, owner, ident)?;
                tables.slots.push(quote!(#name: ::std::cell::Cell::new(Some(#function))));
            }
        }
        _ => unreachable!("checked by is_mark"),
    }
    Ok(())
}

/// The slot functions that get their operands as they are: the instance may be on either side.
const OPERATORS: [&str; 31] = [
    "add",
    "subtract",
    "multiply",
    "remainder",
    "divmod",
    "power",
    "lshift",
    "rshift",
    "and",
    "xor",
    "or",
    "floor_divide",
    "true_divide",
    "matrix_multiply",
    "inplace_add",
    "inplace_subtract",
    "inplace_multiply",
    "inplace_remainder",
    "inplace_power",
    "inplace_lshift",
    "inplace_rshift",
    "inplace_and",
    "inplace_xor",
    "inplace_or",
    "inplace_floor_divide",
    "inplace_true_divide",
    "inplace_matrix_multiply",
    "call_raw",
    "new_raw",
    "buffer_raw",
    "raw",
];

fn slot_function(
    slot: &Ident,
    function: &ImplItemFn,
    owner: &Type,
    ident: &Ident,
) -> syn::Result<TokenStream> {
    let rt = quote!(::rspy_runtime);
    let name = slot.to_string();
    if OPERATORS.contains(&name.as_str()) {
        return Ok(quote!(#owner::#ident));
    }
    let value = quote!(&#rt::value::Value);
    let (parameters, converts): (Vec<(Ident, TokenStream)>, bool) = match name.as_str() {
        "repr" | "str" | "iter" | "negative" | "positive" | "absolute" | "invert" | "int" | "float"
        | "index" | "await_" | "aiter" | "anext" => (vec![], true),
        "bool" | "hash" | "length" | "next" | "finalize" => (vec![], false),
        "compare" => (vec![(id("other"), value), (id("comparison"), quote!(#rt::slots::Comparison))], true),
        "call" => (
            vec![
                (id("args"), quote!(&[#rt::value::Value])),
                (id("names"), quote!(#rt::slots::KeywordNames<'_>)),
            ],
            true,
        ),
        "init" => (
            vec![
                (id("args"), quote!(&[#rt::value::Value])),
                (id("names"), quote!(#rt::slots::KeywordNames<'_>)),
            ],
            false,
        ),
        "new" => return Ok(quote!(#owner::#ident)),
        "getattribute" => (vec![(id("name"), quote!(&#rt::object::Object<#rt::types::string::Str>))], true),
        "setattribute" => (
            vec![
                (id("name"), quote!(&#rt::object::Object<#rt::types::string::Str>)),
                (id("value"), quote!(Option<#value>)),
            ],
            false,
        ),
        "descriptor_get" => {
            (vec![(id("object"), quote!(Option<#value>)), (id("owner"), quote!(Option<#value>))], true)
        }
        "set_item" | "descriptor_set" => {
            (vec![(id("key"), value.clone()), (id("value"), quote!(Option<#value>))], false)
        }
        "contains" => (vec![(id("item"), value)], false),
        "send" => (vec![(id("value"), value)], false),
        "get_item" | "concat" | "inplace_concat" => (vec![(id("other"), value)], true),
        "item" | "repeat" | "inplace_repeat" => (vec![(id("count"), quote!(isize))], true),
        "buffer" => (vec![(id("flags"), quote!(u32))], false),
        _ => return Err(syn::Error::new(slot.span(), "unknown slot")),
    };
    let names: Vec<TokenStream> = parameters.iter().map(|(name, _)| quote!(#name)).collect();
    let types = parameters.iter().map(|(_, typ)| typ);
    let call = direct_call(function, owner, &names)?;
    let result = if converts { quote!(#rt::convert::IntoResult::into_result(#call, vm)) } else { call };
    Ok(quote!(|vm: &#rt::vm::Vm, instance: &#rt::value::Value #(, #names: #types)*| #result))
}

fn id(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// A call of the function with `vm` and `instance` in scope and the given expressions for its other parameters.
fn direct_call(function: &ImplItemFn, owner: &Type, others: &[TokenStream]) -> syn::Result<TokenStream> {
    let ident = &function.sig.ident;
    let mut others = others.iter();
    let mut arguments = Vec::new();
    for input in &function.sig.inputs {
        arguments.push(match parameter_name(input)?.as_str() {
            "self" => quote!(::rspy_runtime::convert::payload_of::<#owner>(instance)),
            "this" => instance_as(input, owner),
            "vm" => quote!(vm),
            _ => others
                .next()
                .cloned()
                .ok_or_else(|| syn::Error::new(input.span(), "more parameters than the slot has"))?,
        });
    }
    Ok(quote!(#owner::#ident(#(#arguments),*)))
}

fn parameter_name(input: &FnArg) -> syn::Result<String> {
    match input {
        FnArg::Receiver(_) => Ok("self".to_owned()),
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) => Ok(name.ident.to_string().trim_start_matches('_').to_owned()),
            Pat::Wild(_) => Ok("_".to_owned()),
            other => Err(syn::Error::new(other.span(), "a plain name is expected")),
        },
    }
}

fn parameter_type(input: &FnArg) -> Option<&Type> {
    match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(typed) => Some(&typed.ty),
    }
}

/// `this: &Value` gets the value, `this: &Object<T>` the object.
fn instance_as(input: &FnArg, owner: &Type) -> TokenStream {
    let is_value = parameter_type(input).is_some_and(|typ| {
        let text = quote!(#typ).to_string();
        text.ends_with("Value")
    });
    if is_value { quote!(instance) } else { quote!(::rspy_runtime::convert::object_of::<#owner>(instance)) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Receives {
    Instance,
    Class,
    Nothing,
}

/// A closure of type `NativeCall` that binds the arguments and calls the function.
fn native_call(
    function: &ImplItemFn,
    owner: &Type,
    signature: &Signature,
    receives: Receives,
) -> syn::Result<TokenStream> {
    let rt = quote!(::rspy_runtime);
    let (split, prelude) = match receives {
        Receives::Instance => (true, quote!(let instance = &all[0];)),
        Receives::Class => {
            (true, quote!(let instance = &all[0]; let class = #rt::convert::type_of_argument(instance);))
        }
        Receives::Nothing => (false, quote!()),
    };
    let arguments = if split { quote!(&all[1..]) } else { quote!(all) };
    let (binding, call) = bound_call(function, owner, signature)?;
    Ok(quote! {
        |vm: &#rt::vm::Vm, all: &[#rt::value::Value], names: #rt::slots::KeywordNames<'_>| {
            #prelude
            let args = #arguments;
            #binding
            #rt::convert::IntoResult::into_result(#call, vm)
        }
    })
}

/// A closure for the slot `new` or `init`.
fn construction(
    function: &ImplItemFn,
    owner: &Type,
    signature: &Signature,
    kind: &str,
) -> syn::Result<TokenStream> {
    let rt = quote!(::rspy_runtime);
    let (binding, call) = bound_call(function, owner, signature)?;
    // Keywords that the type does not know may be meant for a derived class.
    let takes_keywords = !signature.shown
        || signature
            .parameters
            .iter()
            .any(|parameter| !matches!(parameter.kind, ParameterKind::PositionalOnly | ParameterKind::Rest));
    let leave = if takes_keywords {
        quote!()
    } else if kind == "new" {
        quote! {
            let (args, names) =
                #rt::arguments::for_new(class, <#owner as #rt::object::Payload>::static_type(), args, names);
        }
    } else {
        quote! {
            let (args, names) = #rt::arguments::for_init(
                instance.type_of(),
                <#owner as #rt::object::Payload>::static_type(),
                args,
                names,
            );
        }
    };
    if kind == "new" {
        Ok(quote! {
            |vm: &#rt::vm::Vm, class: &#rt::object::TypeObject, args: &[#rt::value::Value], names: #rt::slots::KeywordNames<'_>| {
                #leave
                #binding
                #rt::convert::IntoResult::into_result(#call, vm)
            }
        })
    } else {
        Ok(quote! {
            |vm: &#rt::vm::Vm, instance: &#rt::value::Value, args: &[#rt::value::Value], names: #rt::slots::KeywordNames<'_>| {
                #leave
                #binding
                #call
            }
        })
    }
}

/// Statements that bind `args` and `names`, and the call.
fn bound_call(
    function: &ImplItemFn,
    owner: &Type,
    signature: &Signature,
) -> syn::Result<(TokenStream, TokenStream)> {
    let rt = quote!(::rspy_runtime);
    let ident = &function.sig.ident;
    let inputs: Vec<(&FnArg, String)> = function
        .sig
        .inputs
        .iter()
        .map(|input| Ok((input, parameter_name(input)?)))
        .collect::<syn::Result<_>>()?;
    let raw = inputs.iter().any(|(_, name)| name == "names");
    let mut arguments = Vec::new();
    let mut statements = Vec::new();
    let simple: Vec<&Parameter> = signature
        .parameters
        .iter()
        .filter(|parameter| !matches!(parameter.kind, ParameterKind::Rest | ParameterKind::Keywords))
        .collect();
    let rest = signature.parameters.iter().any(|parameter| parameter.kind == ParameterKind::Rest);
    let keywords = signature.parameters.iter().any(|parameter| parameter.kind == ParameterKind::Keywords);
    if !raw {
        statements.push(binding(signature, &simple, rest, keywords));
    }
    let mut parameters = signature.parameters.iter();
    let mut position = 0usize;
    for (input, name) in &inputs {
        let argument = match name.as_str() {
            "self" => quote!(#rt::convert::payload_of::<#owner>(instance)),
            "this" => instance_as(input, owner),
            "vm" => quote!(vm),
            "cls" => quote!(class),
            "args" | "names" if raw => {
                let name = id(name);
                quote!(#name)
            }
            _ => {
                let parameter = parameters
                    .next()
                    .ok_or_else(|| syn::Error::new(input.span(), "the signature has fewer parameters"))?;
                match parameter.kind {
                    ParameterKind::Rest => quote!(bound.rest),
                    ParameterKind::Keywords => quote!(bound.keywords),
                    _ => {
                        let typ = parameter_type(input)
                            .ok_or_else(|| syn::Error::new(input.span(), "a typed parameter is expected"))?;
                        let alone = simple.len() == 1 && !rest && !keywords && parameter.default.is_none();
                        let converted = conversion(&signature.name, parameter, typ, position, alone)?;
                        position += 1;
                        converted
                    }
                }
            }
        };
        arguments.push(argument);
    }
    if !raw && parameters.next().is_some() {
        return Err(syn::Error::new(function.sig.span(), "the signature has more parameters"));
    }
    Ok((quote!(#(#statements)*), quote!(#owner::#ident(#(#arguments),*))))
}

/// `let bound = …`: which argument goes to which parameter.
fn binding(signature: &Signature, simple: &[&Parameter], rest: bool, keywords: bool) -> TokenStream {
    let rt = quote!(::rspy_runtime);
    let name = &signature.name;
    let count = simple.len();
    let names = simple.iter().map(|parameter| parameter.name.as_str());
    let required = simple.iter().map(|parameter| parameter.default.is_none());
    let positional_only =
        simple.iter().filter(|parameter| parameter.kind == ParameterKind::PositionalOnly).count();
    let positional = simple.iter().filter(|parameter| parameter.kind != ParameterKind::KeywordOnly).count();
    quote! {
        static PARAMETERS: #rt::arguments::Parameters<#count> = #rt::arguments::Parameters {
            function: #name,
            names: [#(#names),*],
            interned: #rt::arguments::InternedNames::NONE,
            required: [#(#required),*],
            positional_only: #positional_only,
            positional: #positional,
            rest: #rest,
            keywords: #keywords,
        };
        let bound = #rt::arguments::bind(vm, &PARAMETERS, args, names)?;
    }
}

/// The expression for one parameter.
fn conversion(
    function: &str,
    parameter: &Parameter,
    typ: &Type,
    position: usize,
    alone: bool,
) -> syn::Result<TokenStream> {
    let rt = quote!(::rspy_runtime);
    let name = &parameter.name;
    let shown_position = if alone { 0 } else { position + 1 };
    let by_name = parameter.kind != ParameterKind::PositionalOnly;
    let place = quote! {
        &#rt::arguments::Place { function: #function, name: #name, position: #shown_position, by_name: #by_name }
    };
    let is_option = matches!(typ, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Option"));
    let Some(default) = &parameter.default else {
        // The binder has made sure that a required argument is there.
        return Ok(quote! {
            match bound.simple[#position] {
                Some(argument) => #rt::arguments::FromArgument::from_argument(vm, argument, #place)?,
                None => return Err(#rt::arguments::missing(vm, #place)),
            }
        });
    };
    let absent = if is_option { quote!(None) } else { default_expression(default)? };
    let none_is_absent = is_option && default == "None";
    let present = if is_option {
        quote!(Some(#rt::arguments::FromArgument::from_argument(vm, argument, #place)?))
    } else {
        quote!(#rt::arguments::FromArgument::from_argument(vm, argument, #place)?)
    };
    let guard = if none_is_absent { quote!(if !#rt::types::none::is_none(argument)) } else { quote!() };
    Ok(quote! {
        match bound.simple[#position] {
            Some(argument) #guard => #present,
            _ => #absent,
        }
    })
}

/// A Python literal as a Rust expression.
fn default_expression(text: &str) -> syn::Result<TokenStream> {
    let span = Span::call_site();
    Ok(match text {
        "None" => quote!(::rspy_runtime::types::none::none_ref()),
        "True" => quote!(true),
        "False" => quote!(false),
        _ => {
            let literal = if text.starts_with('\'') && text.ends_with('\'') && text.len() >= 2 {
                format!("{:?}", &text[1..text.len() - 1])
            } else {
                text.to_owned()
            };
            syn::parse_str(&literal).map_err(|_| {
                syn::Error::new(span, format!("default {text} needs a parameter of type Option"))
            })?
        }
    })
}
