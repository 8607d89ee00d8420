//! `#[pyclass]`: the type's static, its native description, and how its fields are traced.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Fields, Ident, ItemStruct, Lit, Meta, Path, Token};

#[derive(Default)]
struct Options {
    name: Option<String>,
    module: Option<String>,
    signature: String,
    extends: Option<Path>,
    flags: Vec<&'static str>,
    tracked: bool,
    prefix: bool,
    extent: bool,
    manual_trace: bool,
    tables: Vec<Ident>,
    no_methods: bool,
    from_module: bool,
}

pub fn expand(options: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut item: ItemStruct = syn::parse2(item)?;
    let options = parse_options(options)?;
    let name = options.name.unwrap_or_else(|| item.ident.to_string());
    let module = options.module.unwrap_or_else(|| "builtins".to_owned());
    let (doc, signature) = (documentation(&item.attrs), options.signature);
    let ident = item.ident.clone();
    let rt = quote!(::rspy_runtime);
    let trace =
        if options.tracked && !options.manual_trace { derive_trace(&item)? } else { TokenStream::new() };
    strip_untraced(&mut item.fields);
    let (trace_fn, clear_fn) = if options.tracked {
        (
            quote!(Some(#rt::object::trace_payload::<#ident>)),
            quote!(Some(#rt::object::clear_payload::<#ident>)),
        )
    } else {
        (quote!(None), quote!(None))
    };
    let base = match &options.extends {
        Some(path) => quote!(Some(<#path as #rt::object::Payload>::static_type)),
        None => quote!(Some(<#rt::types::object::BaseObject as #rt::object::Payload>::static_type)),
    };
    let (base_tracked, base_prefix) = match &options.extends {
        Some(path) => (
            quote!(<#path as #rt::object::Payload>::TRACKED),
            quote!(<#path as #rt::object::Payload>::PREFIX),
        ),
        None => (quote!(false), quote!(false)),
    };
    let flags = options.flags.iter().map(|flag| {
        let flag = Ident::new(flag, item.span());
        quote!(.with(#rt::types::typ::TypeFlags::#flag))
    });
    let (tracked, prefix) = (options.tracked, options.prefix);
    let sized = options.extent || !options.flags.contains(&"VARIABLE");
    let extent = options.extent.then(|| {
        quote! {
            #[inline(always)]
            fn extent(&self) -> usize {
                #ident::extent(self)
            }
        }
    });
    let tables = &options.tables;
    let (methods, attributes, slots) = if options.no_methods {
        (quote!(&[]), quote!(&[]), quote!(#rt::slots::Slots::EMPTY))
    } else {
        (
            quote!(&[#ident::METHODS, #(#ident::#tables),*]),
            quote!(&[#ident::ATTRIBUTES]),
            quote!(#ident::SLOTS),
        )
    };
    Ok(quote! {
        #item

        // SAFETY: the description is made from the struct itself; a native base is its first field.
        unsafe impl #rt::object::Payload for #ident {
            #[inline(always)]
            fn static_type() -> &'static #rt::object::TypeObject {
                static NATIVE: #rt::native::NativeType = #rt::native::NativeType {
                    name: #name,
                    module: #module,
                    doc: #doc,
                    signature: #signature,
                    size: ::std::mem::size_of::<#rt::object::Object<#ident>>(),
                    base: #base,
                    flags: #rt::types::typ::TypeFlags::IMMUTABLE #(#flags)*
                        .with(if <#ident as #rt::object::Payload>::TRACKED { #rt::types::typ::TypeFlags::TRACKED } else { #rt::types::typ::TypeFlags::NONE })
                        .with(if <#ident as #rt::object::Payload>::PREFIX { #rt::types::typ::TypeFlags::PREFIX } else { #rt::types::typ::TypeFlags::NONE }),
                    drop: #rt::object::drop_payload::<#ident>,
                    deallocate: #rt::object::deallocate_native::<#ident>,
                    trace: #trace_fn,
                    clear: #clear_fn,
                    methods: #methods,
                    attributes: #attributes,
                };
                static TYPE: #rt::object::TypeObject = #rt::object::Object::immortal(
                    &raw const #rt::types::typ::TYPE,
                    #rt::types::typ::Type::native(&NATIVE, #slots),
                );
                &TYPE
            }
            const TRACKED: bool = #tracked || #base_tracked;
            const PREFIX: bool = #prefix || #base_prefix;
            const SIZED: bool = #sized;
            #extent
        }

        #trace
    })
}

fn parse_options(tokens: TokenStream) -> syn::Result<Options> {
    // What native modules add to the core are classes of the module; the core's own types are static.
    let from_module = std::env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "rspy-modules");
    let mut options = Options { from_module, ..Options::default() };
    for meta in Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens)? {
        let key = meta.path().require_ident()?.to_string();
        match (key.as_str(), &meta) {
            ("name", Meta::NameValue(pair)) => options.name = Some(text(&pair.value)?),
            ("module", Meta::NameValue(pair)) => options.module = Some(text(&pair.value)?),
            ("signature", Meta::NameValue(pair)) => options.signature = text(&pair.value)?,
            ("extends", Meta::NameValue(pair)) => match &pair.value {
                Expr::Path(path) => options.extends = Some(path.path.clone()),
                other => return Err(syn::Error::new(other.span(), "a type is expected")),
            },
            ("methods", Meta::List(list)) => {
                options.tables = Punctuated::<Ident, Token![,]>::parse_terminated
                    .parse2(list.tokens.clone())?
                    .into_iter()
                    .collect();
            }
            ("tracked", _) => options.tracked = true,
            ("manual_trace", _) => {
                options.manual_trace = true;
                options.tracked = true;
            }
            ("weak", _) => {
                options.prefix = true;
                options.flags.push("HAS_WEAK");
            }
            ("dict", _) => {
                options.prefix = true;
                options.flags.push("HAS_DICT");
            }
            ("subclassable", _) => options.flags.push("BASE"),
            ("sequence", _) => options.flags.push("SEQUENCE"),
            ("mapping", _) => options.flags.push("MAPPING"),
            ("match_self", _) => options.flags.push("MATCH_SELF"),
            ("no_new", _) => options.flags.push("NO_NEW"),
            ("method_descriptor", _) => options.flags.push("METHOD_DESCRIPTOR"),
            ("extent", _) => options.extent = true,
            ("variable", _) => options.flags.push("VARIABLE"),
            ("int_subclass", _) => options.flags.push("INT_SUBCLASS"),
            ("str_subclass", _) => options.flags.push("STR_SUBCLASS"),
            ("exception", _) => options.flags.push("EXCEPTION_SUBCLASS"),
            ("no_methods", _) => options.no_methods = true,
            ("from_module", _) => options.from_module = true,
            ("static_type", _) => options.from_module = false,
            ("shows_get", _) => options.flags.push("SHOWS_GET"),
            ("shows_set", _) => options.flags.push("SHOWS_SET"),
            ("hides_set", _) => options.flags.push("HIDES_SET"),
            ("hides_new", _) => options.flags.push("HIDES_NEW"),
            ("unhashable", _) => options.flags.push("UNHASHABLE"),
            ("hides_del", _) => options.flags.push("HIDES_DEL"),
            _ => return Err(syn::Error::new(meta.span(), "unknown option of pyclass")),
        }
    }
    if options.from_module && options.module.is_some() {
        options.flags.push("FROM_MODULE");
    }
    Ok(options)
}

fn text(value: &Expr) -> syn::Result<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Ok(text.value()),
            other => Err(syn::Error::new(other.span(), "a string is expected")),
        },
        // A literal that came through another macro.
        Expr::Group(group) => text(&group.expr),
        other => Err(syn::Error::new(other.span(), "a string is expected")),
    }
}

/// The documentation comment as one string.
pub fn documentation(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        if attribute.path().is_ident("doc")
            && let Meta::NameValue(pair) = &attribute.meta
            && let Ok(line) = text(&pair.value)
        {
            lines.push(line.strip_prefix(' ').unwrap_or(&line).to_owned());
        }
    }
    lines.join("\n").trim().to_owned()
}

fn is_untraced(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("untraced"))
}

fn strip_untraced(fields: &mut Fields) {
    for field in fields.iter_mut() {
        field.attrs.retain(|attribute| !attribute.path().is_ident("untraced"));
    }
}

fn derive_trace(item: &ItemStruct) -> syn::Result<TokenStream> {
    let ident = &item.ident;
    let rt = quote!(::rspy_runtime);
    let members: Vec<_> = item
        .fields
        .iter()
        .zip(item.fields.members())
        .filter(|(field, _)| !is_untraced(&field.attrs))
        .map(|(_, member)| member)
        .collect();
    Ok(quote! {
        impl #rt::gc::Trace for #ident {
            fn trace(&self, visitor: &mut #rt::gc::Visitor<'_>) {
                #(#rt::gc::Trace::trace(&self.#members, visitor);)*
                let _ = visitor;
            }
            fn clear_references(&self) {
                #(#rt::gc::Trace::clear_references(&self.#members);)*
            }
        }
    })
}
