//! Functions of `os.path` that are worth having native: `fspath`, `_path_normpath`, `_path_splitroot_ex`.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Ref;
use rspy_runtime::paths;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

/// A path as characters, whichever type it came in; zero characters are allowed.
struct Text {
    characters: Vec<u32>,
    is_bytes: bool,
}

impl Text {
    fn of(vm: &Vm, function: &str, name: &str, value: &Value) -> PyResult<Text> {
        let path = if value.downcast::<Str>().is_some() || value.downcast::<Bytes>().is_some() {
            value.clone()
        } else if vm.special_method(value, &vm.intern("__fspath__"))?.is_some() {
            paths::fspath(vm, value)?
        } else {
            return Err(vm.type_error(format!(
                "{function}: {name} should be string, bytes or os.PathLike, not {}",
                value.type_of().full_name()
            )));
        };
        Ok(match path.downcast::<Str>() {
            Some(text) => Text { characters: text.characters().to_vec(), is_bytes: false },
            None => Text {
                characters: path
                    .downcast::<Bytes>()
                    .map(|bytes| bytes.as_slice().iter().map(|&byte| u32::from(byte)).collect())
                    .unwrap_or_default(),
                is_bytes: true,
            },
        })
    }

    fn part(&self, characters: &[u32]) -> Value {
        if self.is_bytes {
            Bytes::new(characters.iter().map(|&c| c as u8).collect::<Vec<u8>>()).into_value()
        } else {
            rspy_runtime::types::string::build::from_characters(Characters::Four(characters)).into_value()
        }
    }

    /// How many slashes make up the root.
    fn root_length(&self) -> usize {
        match self.characters.iter().take_while(|&&c| c == SLASH).count() {
            2 => 2,
            0 => 0,
            _ => 1,
        }
    }
}

const SLASH: u32 = '/' as u32;
const DOT: u32 = '.' as u32;

#[pyfunctions]
impl Functions {
    /// Return the file system path representation of the object.
    ///
    /// If the object is str or bytes, then allow it to pass through as-is. If the object defines __fspath__(), then
    /// return the result of that method. All other types raise a TypeError.
    #[function("fspath(path)")]
    fn fspath(vm: &Vm, path: &Value) -> PyResult {
        paths::fspath(vm, path)
    }

    /// Split a pathname into drive, root and tail.
    #[function("_path_splitroot_ex(p, /)")]
    fn splitroot(vm: &Vm, p: &Value) -> PyResult<Ref<Tuple>> {
        let text = Text::of(vm, "_path_splitroot_ex", "path", p)?;
        let (root, tail) = text.characters.split_at(text.root_length());
        Ok(Tuple::from_values([text.part(&[]), text.part(root), text.part(tail)]))
    }

    /// Normalize path, eliminating double slashes, etc.
    #[function("_path_normpath(path)")]
    fn normpath(vm: &Vm, path: &Value) -> PyResult {
        let text = Text::of(vm, "_path_normpath", "path", path)?;
        let (root, tail) = text.characters.split_at(text.root_length());
        let mut parts: Vec<&[u32]> = Vec::new();
        for part in tail.split(|&c| c == SLASH) {
            match part {
                [] | [DOT] => {}
                [DOT, DOT] => match parts.last() {
                    Some([DOT, DOT]) => parts.push(part),
                    Some(_) => drop(parts.pop()),
                    None if root.is_empty() => parts.push(part),
                    None => {}
                },
                part => parts.push(part),
            }
        }
        let mut out = root.to_vec();
        out.extend(parts.join(&SLASH));
        if out.is_empty() {
            out.push(DOT);
        }
        Ok(text.part(&out))
    }
}
