//! What installed distributions say about themselves in their `.dist-info` folders (PEP 376, entry points).

use std::collections::{BTreeMap, BTreeSet};

use super::collection::{Collection, SITE};

/// A distribution among the files of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Its name as it is written.
    pub name: String,
    /// Its release.
    pub version: String,
    /// Its licence, as far as it says so in a few words.
    pub license: String,
    /// The names of the distributions that it needs whatever is asked of it, and on whatever machine.
    pub needs: Vec<String>,
}

/// The distributions in a collection.
pub fn all(collection: &Collection) -> Vec<Distribution> {
    let texts = collection.inputs.iter().filter(|(path, _)| path.ends_with(".dist-info/METADATA"));
    texts.map(|(_, input)| parse(&String::from_utf8_lossy(&input.contents))).collect()
}

/// Reads the header of a `METADATA` file.
pub fn parse(text: &str) -> Distribution {
    let mut found = Distribution::default();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let Some((field, value)) = line.split_once(": ") else { continue };
        let value = value.trim();
        match field {
            "Name" => value.clone_into(&mut found.name),
            "Version" => value.clone_into(&mut found.version),
            "License-Expression" => value.clone_into(&mut found.license),
            "License" if found.license.is_empty() && value.len() < 60 => value.clone_into(&mut found.license),
            // What a marker asks for may not apply here.
            "Requires-Dist" if !value.contains(';') => found.needs.push(requirement_name(value).to_owned()),
            _ => {}
        }
    }
    found
}

/// The name that a requirement (PEP 508) begins with.
pub fn requirement_name(requirement: &str) -> &str {
    let end = requirement.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
    &requirement[..end.unwrap_or(requirement.len())]
}

/// A name as names are compared (PEP 503).
pub fn normalised(name: &str) -> String {
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

/// `name 1.2` for the folder `name-1.2.dist-info`.
pub fn name_of_folder(folder: &str) -> String {
    folder.trim_end_matches(".dist-info").replacen('-', " ", 1)
}

/// The paths in the list of a distribution's files (`RECORD`).
pub fn record_paths(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| match line.strip_prefix('"') {
        // A path is quoted where it has a comma or a quote.
        Some(rest) => rest.split('"').next(),
        None => line.split(',').next(),
    })
}

/// What distributions need that is not in the collection: the name that is missing, and who needs it.
pub fn missing(collection: &Collection) -> Vec<(String, String)> {
    let all = all(collection);
    let present: BTreeSet<String> = all.iter().map(|found| normalised(&found.name)).collect();
    let mut missing = BTreeMap::new();
    for found in &all {
        for need in found.needs.iter().filter(|need| !present.contains(&normalised(need))) {
            missing.entry(need.clone()).or_insert_with(|| found.name.clone());
        }
    }
    missing.into_iter().collect()
}

/// The entry point that a script of a name calls, such as `package.module:function`.
pub fn console_script(collection: &Collection, name: &str) -> Option<String> {
    console_scripts(collection).remove(name)
}

/// All scripts of the distributions in a collection, by name.
pub fn console_scripts(collection: &Collection) -> BTreeMap<String, String> {
    let mut scripts = BTreeMap::new();
    for (path, input) in &collection.inputs {
        let is_list = path.starts_with(SITE) && path.ends_with(".dist-info/entry_points.txt");
        if !is_list {
            continue;
        }
        let text = String::from_utf8_lossy(&input.contents);
        let mut is_wanted = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                is_wanted = line == "[console_scripts]" || line == "[gui_scripts]";
            } else if let Some((name, target)) = line.split_once('=').filter(|_| is_wanted) {
                // Extras in brackets say what has to be installed for it.
                let target = target.split('[').next().unwrap_or(target);
                scripts.insert(name.trim().to_owned(), target.trim().to_owned());
            }
        }
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_to_its_first_empty_line() {
        let text = "Metadata-Version: 2.1\nName: A.b\nVersion: 1\nRequires-Dist: c-d (>=1)\nRequires-Dist: e; os_name == 'nt'\n\nName: x\n";
        let found = parse(text);
        assert_eq!((found.name.as_str(), found.version.as_str()), ("A.b", "1"));
        assert_eq!(found.needs, ["c-d"]);
        assert_eq!(normalised("A._b"), "a-b");
        assert_eq!(name_of_folder("a_b-1.0.dist-info"), "a_b 1.0");
    }

    #[test]
    fn needs_that_nobody_meets_are_named() {
        let mut collection = Collection::default();
        let origin = collection.origin("a 1");
        let metadata = b"Name: a\nVersion: 1\nRequires-Dist: b\n".to_vec();
        collection.add(SITE, "a-1.dist-info/METADATA", metadata, origin);
        collection.add(
            SITE,
            "a-1.dist-info/entry_points.txt",
            b"[console_scripts]\nrun = a.m:f [x]\n[other]\nq = r\n".to_vec(),
            origin,
        );
        assert_eq!(missing(&collection), [("b".to_owned(), "a".to_owned())]);
        assert_eq!(console_script(&collection, "run").as_deref(), Some("a.m:f"));
        assert_eq!(console_script(&collection, "q"), None);
    }
}
