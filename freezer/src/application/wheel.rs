//! Wheels (PEP 427) as what installing them would put into `site-packages`.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::collection::{Collection, SITE};
use super::{ApplicationError, distribution};

/// Adds what a wheel installs.
pub fn add(collection: &mut Collection, path: &Path) -> Result<(), ApplicationError> {
    let bytes = fs::read(path).map_err(ApplicationError::file(path))?;
    let broken =
        |error: zip::result::ZipError| ApplicationError::input(path, format!("not a wheel: {error}"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let info = archive
        .file_names()
        .filter_map(Result::ok)
        .find_map(|name| {
            name.strip_suffix("/WHEEL").filter(|folder| folder.ends_with(".dist-info")).map(str::to_owned)
        })
        .ok_or_else(|| ApplicationError::input(path, "not a wheel: it has no .dist-info/WHEEL"))?;
    let data = format!("{}.data/", info.trim_end_matches(".dist-info"));
    let origin = collection.origin(distribution::name_of_folder(&info));
    for number in 0..archive.len() {
        let mut file = archive.by_index(number).map_err(broken)?;
        let name = file.name().map_err(broken)?.into_owned();
        if file.is_dir() {
            continue;
        }
        let is_path = name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !is_path || name.contains('\\') {
            return Err(ApplicationError::input(
                path,
                format!("a file in it has the name {name:?}, which leads elsewhere"),
            ));
        }
        let mut contents = Vec::with_capacity(file.size() as usize);
        file.read_to_end(&mut contents).map_err(ApplicationError::file(path))?;
        if let Some((root, place)) = destination(&name, &data) {
            collection.add(root, place, contents, origin);
        }
    }
    Ok(())
}

/// Where a file of a wheel is installed; nothing for C headers.
fn destination<'a>(name: &'a str, data: &str) -> Option<(&'static str, &'a str)> {
    let Some(rest) = name.strip_prefix(data) else { return Some((SITE, name)) };
    let (scheme, place) = rest.split_once('/')?;
    match scheme {
        "purelib" | "platlib" => Some((SITE, place)),
        "scripts" => Some(("bin", place)),
        "data" => Some(("", place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_where_pip_would_put_them() {
        let place = |name| destination(name, "a-1.data/");
        assert_eq!(place("a/b.py"), Some((SITE, "a/b.py")));
        assert_eq!(place("a-1.data/purelib/c.py"), Some((SITE, "c.py")));
        assert_eq!(place("a-1.data/data/share/man/a.1"), Some(("", "share/man/a.1")));
        assert_eq!(place("a-1.data/headers/a.h"), None);
    }
}
