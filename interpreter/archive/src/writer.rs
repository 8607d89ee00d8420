//! Making a container: a folder tree and modules in, bytes out.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;

use rayon::prelude::*;
use zstd::bulk::Compressor;
use zstd::dict::EncoderDictionary;

use crate::Metadata;
use crate::layout::{
    ALIGNMENT, END_MAGIC, FILE, FOLDER, HEADER, MAGIC, NONE, PACKAGE, RECORD, STORED, VERSION, ZSTD,
    ZSTD_CODE, checksum, short_checksum,
};

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// zstd's level.
    pub level: i32,
    /// The largest size of the dictionary of code, 0 for none.
    pub dictionary: usize,
}

impl Compression {
    /// For what is shipped.
    pub const BEST: Compression = Compression { level: 19, dictionary: 112 << 10 };
    /// For applications: nearly as small, in a fraction of the time.
    pub const APPLICATION: Compression = Compression { level: 9, dictionary: 112 << 10 };
    /// For applications that are to be small.
    pub const SMALL: Compression = Compression { level: 17, dictionary: 112 << 10 };
    /// For what is built to be tested.
    pub const FAST: Compression = Compression { level: 1, dictionary: 0 };
}

/// A compiled module to be put into a container.
#[derive(Clone, Debug, Default)]
pub struct FrozenModule {
    /// Its dotted name.
    pub name: String,
    /// Whether it is a package.
    pub is_package: bool,
    /// Whether every start imports it: its code is then stored as it is.
    pub at_startup: bool,
    /// The path in the container of its source, where that is kept.
    pub source: Option<String>,
    /// Its code as `marshal` writes it.
    pub code: Code,
}

/// Where the code of a module that is put into a container comes from.
#[derive(Clone, Debug)]
pub enum Code {
    /// These bytes.
    Own(Vec<u8>),
    /// The file that stands for its source, a `.pyc` file, from an offset on.
    InSource {
        /// The length of the file's header.
        offset: usize,
    },
}

impl Default for Code {
    fn default() -> Self {
        Code::Own(Vec::new())
    }
}

/// Why a container cannot be made.
#[derive(Debug)]
pub enum BuildError {
    /// A path is given twice, is both a file and a folder, or has an empty part.
    Path(String),
    /// Two modules have this name, or a module's source is not in the container.
    Module(String),
    /// A file, a name or the whole is larger than the format can say.
    TooLarge(String),
    /// The compressor failed.
    Compression(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Path(path) => write!(formatter, "{path}: not a path of its own in the container"),
            BuildError::Module(name) => write!(formatter, "{name}: given twice, or its source is missing"),
            BuildError::TooLarge(name) => write!(formatter, "{name}: too large for the container"),
            BuildError::Compression(error) => write!(formatter, "compression failed: {error}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// What a dictionary has to have room for to be worth its making.
const SMALLEST_DICTIONARY: usize = 4 << 10;

/// Collects files and modules, and writes them as one container.
#[derive(Debug)]
pub struct Builder {
    metadata: Metadata,
    compression: Compression,
    files: BTreeMap<String, Vec<u8>>,
    modules: BTreeMap<String, FrozenModule>,
}

impl Builder {
    /// An empty container.
    pub fn new(metadata: Metadata, compression: Compression) -> Self {
        Builder { metadata, compression, files: BTreeMap::new(), modules: BTreeMap::new() }
    }

    /// Adds a file under its path in the container.
    pub fn file(&mut self, path: &str, contents: Vec<u8>) -> Result<(), BuildError> {
        let fits = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !fits || self.files.insert(path.to_owned(), contents).is_some() {
            return Err(BuildError::Path(path.to_owned()));
        }
        Ok(())
    }

    /// Adds a module.
    pub fn module(&mut self, module: FrozenModule) -> Result<(), BuildError> {
        let name = module.name.clone();
        match self.modules.insert(name.clone(), module) {
            None => Ok(()),
            Some(_) => Err(BuildError::Module(name)),
        }
    }

    /// The container's bytes.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let tree = Tree::new(&self.files)?;
        let packed = Packed::new(&self, &tree)?;
        let mut names = Names::default();
        let entries = tree.records(&mut names, &packed)?;
        let modules = self.module_records(&mut names, &tree, &packed)?;
        packed.assemble(&names.text, &entries, &modules, &self.metadata.to_bytes())
    }

    fn module_records(
        &self,
        names: &mut Names,
        tree: &Tree<'_>,
        packed: &Packed,
    ) -> Result<Vec<u8>, BuildError> {
        let mut records = Vec::with_capacity(self.modules.len() * RECORD);
        for (module, place) in self.modules.values().zip(&packed.module_places) {
            let source = match &module.source {
                None => NONE,
                Some(path) => {
                    *tree.numbers.get(path.as_str()).ok_or(BuildError::Module(module.name.clone()))?
                }
            };
            names.put(&module.name, &mut records)?;
            records.extend((if module.is_package { PACKAGE } else { 0 }).to_le_bytes());
            put(&mut records, &[source, place.block, place.offset, place.length, place.checksum, 0]);
        }
        Ok(records)
    }
}

/// The folder tree, numbered so that each folder's children stand together and after it.
struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    numbers: HashMap<&'a str, u32>,
}

struct Node<'a> {
    name: &'a str,
    path: &'a str,
    folder: u32,
    first_child: u32,
    children: u32,
    is_folder: bool,
}

impl<'a> Tree<'a> {
    fn new(files: &'a BTreeMap<String, Vec<u8>>) -> Result<Self, BuildError> {
        // The children of each folder, by name.
        let mut folders: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::from([("", BTreeMap::new())]);
        for path in files.keys() {
            let mut rest = path.as_str();
            let mut is_folder = false;
            loop {
                let (folder, name) = rest.rsplit_once('/').unwrap_or(("", rest));
                let children = folders.entry(folder).or_default();
                if *children.entry(name).or_insert(is_folder) != is_folder {
                    return Err(BuildError::Path(path.clone()));
                }
                if folder.is_empty() {
                    break;
                }
                rest = folder;
                is_folder = true;
            }
        }
        let mut nodes =
            vec![Node { name: "", path: "", folder: 0, first_child: 1, children: 0, is_folder: true }];
        let mut numbers = HashMap::new();
        let mut next = 0;
        while next < nodes.len() {
            if nodes[next].is_folder {
                let path = nodes[next].path;
                let children = &folders[path];
                nodes[next].first_child = nodes.len() as u32;
                nodes[next].children = children.len() as u32;
                for (&name, &is_folder) in children {
                    let number = nodes.len() as u32;
                    let full = full_path(files, &folders, path, name, is_folder);
                    numbers.insert(full, number);
                    nodes.push(Node {
                        name,
                        path: full,
                        folder: next as u32,
                        first_child: 0,
                        children: 0,
                        is_folder,
                    });
                }
            }
            next += 1;
        }
        Ok(Tree { nodes, numbers })
    }

    fn records(&self, names: &mut Names, packed: &Packed) -> Result<Vec<u8>, BuildError> {
        let mut records = Vec::with_capacity(self.nodes.len() * RECORD);
        for node in &self.nodes {
            names.put(node.name, &mut records)?;
            records.extend([if node.is_folder { FOLDER } else { FILE }, 0]);
            if node.is_folder {
                put(&mut records, &[node.folder, node.first_child, node.children, 0, 0, NONE]);
            } else {
                let (place, module) = &packed.file_places[node.path];
                let fields = [node.folder, place.block, place.offset, place.length, place.checksum, *module];
                put(&mut records, &fields);
            }
        }
        Ok(records)
    }
}

/// The path of a child, borrowed from the maps that have it already.
fn full_path<'a>(
    files: &'a BTreeMap<String, Vec<u8>>,
    folders: &BTreeMap<&'a str, BTreeMap<&'a str, bool>>,
    folder: &str,
    name: &str,
    is_folder: bool,
) -> &'a str {
    let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let found = if is_folder {
        folders.get_key_value(path.as_str()).map(|(&path, _)| path)
    } else {
        files.get_key_value(&path).map(|(path, _)| path.as_str())
    };
    found.expect("the tree was made from these paths")
}

/// The texts that the tables refer to, each once.
#[derive(Default)]
struct Names {
    text: Vec<u8>,
    known: HashMap<String, u32>,
}

impl Names {
    /// Writes the offset and the length of a name.
    fn put(&mut self, name: &str, record: &mut Vec<u8>) -> Result<(), BuildError> {
        let length = u16::try_from(name.len()).map_err(|_| BuildError::TooLarge(name.to_owned()))?;
        let offset = *self.known.entry(name.to_owned()).or_insert_with(|| {
            let offset = self.text.len() as u32;
            self.text.extend(name.as_bytes());
            offset
        });
        record.extend(offset.to_le_bytes());
        record.extend(length.to_le_bytes());
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Place {
    block: u32,
    offset: u32,
    length: u32,
    checksum: u32,
}

struct Block {
    stored: Vec<u8>,
    length: u32,
    codec: u8,
}

/// The bytes that hold a module's code, and where in them it begins.
struct Compiled<'a> {
    contents: &'a [u8],
    code: usize,
    /// The path of the file that these bytes are, if they are one.
    file: Option<&'a str>,
}

impl<'a> Compiled<'a> {
    fn of(module: &'a FrozenModule, files: &'a BTreeMap<String, Vec<u8>>) -> Result<Self, BuildError> {
        match &module.code {
            Code::Own(contents) => Ok(Compiled { contents, code: 0, file: None }),
            Code::InSource { offset } => module
                .source
                .as_ref()
                .and_then(|path| files.get_key_value(path))
                .filter(|(_, contents)| *offset <= contents.len())
                .map(|(path, contents)| Compiled { contents, code: *offset, file: Some(path) })
                .ok_or_else(|| BuildError::Module(module.name.clone())),
        }
    }
}

/// How many bytes of files are compressed together. Whoever reads one of them unpacks the others, too, in less than a
/// millisecond.
const GROUP: usize = 512 << 10;

/// The blocks, and where each file's and module's contents are in them.
struct Packed {
    blocks: Vec<Block>,
    dictionary: u32,
    /// Where a file lies, and which module it is the source of.
    file_places: HashMap<String, (Place, u32)>,
    module_places: Vec<Place>,
}

impl Packed {
    fn new(builder: &Builder, tree: &Tree<'_>) -> Result<Self, BuildError> {
        let mut packed = Packed {
            blocks: Vec::new(),
            dictionary: NONE,
            file_places: HashMap::new(),
            module_places: Vec::with_capacity(builder.modules.len()),
        };
        packed.place_empty(builder)?;
        packed.add_code(builder)?;
        // Files in the order of the tree, so that what is read together lies together.
        let files: Vec<(&str, &[u8])> = tree
            .nodes
            .iter()
            .filter(|node| !node.is_folder)
            .map(|node| (node.path, &builder.files[node.path][..]))
            .filter(|(path, contents)| !contents.is_empty() && packed.file_places[*path].0.block == NONE)
            .collect();
        packed.add_files(&files, builder.compression)?;
        Ok(packed)
    }

    /// Gives every file and module a place without a block.
    fn place_empty(&mut self, builder: &Builder) -> Result<(), BuildError> {
        for (path, contents) in &builder.files {
            self.file_places.insert(path.clone(), (place(NONE, 0, contents, path)?, NONE));
        }
        for (number, module) in builder.modules.values().enumerate() {
            let compiled = Compiled::of(module, &builder.files)?;
            self.module_places.push(place(NONE, 0, &compiled.contents[compiled.code..], &module.name)?);
            if let Some((_, known)) = module.source.as_ref().and_then(|path| self.file_places.get_mut(path))
                && std::mem::replace(known, number as u32) != NONE
            {
                return Err(BuildError::Module(module.name.clone()));
            }
        }
        Ok(())
    }

    /// Adds the code of the modules: what every start imports as it is and in one block, the rest compressed, each by itself.
    fn add_code(&mut self, builder: &Builder) -> Result<(), BuildError> {
        let mut startup = Vec::new();
        let mut others = Vec::new();
        for (number, module) in builder.modules.values().enumerate() {
            let compiled = Compiled::of(module, &builder.files)?;
            if module.at_startup {
                self.move_to(number, &compiled, 0, startup.len());
                startup.extend(compiled.contents);
                // Each module's code begins where a word does.
                startup.resize(startup.len().next_multiple_of(16), 0);
            } else {
                others.push((number, compiled));
            }
        }
        let length = length_of(&startup, "start-up block")?;
        self.blocks.push(Block { length, stored: startup, codec: STORED });

        let contents: Vec<&[u8]> = others.iter().map(|(_, compiled)| compiled.contents).collect();
        let dictionary = train(&contents, builder.compression);
        if !dictionary.is_empty() {
            self.dictionary = self.blocks.len() as u32;
            let length = dictionary.len() as u32;
            self.blocks.push(Block { stored: dictionary.clone(), length, codec: STORED });
        }
        for (block, (number, compiled)) in (self.blocks.len() as u32..).zip(&others) {
            self.move_to(*number, compiled, block, 0);
        }
        self.blocks.extend(compress(&contents, &dictionary, builder.compression)?);
        Ok(())
    }

    /// Says where the code of a module lies now, and with it the file that it is in.
    fn move_to(&mut self, number: usize, compiled: &Compiled<'_>, block: u32, offset: usize) {
        let place = &mut self.module_places[number];
        (place.block, place.offset) = (block, (offset + compiled.code) as u32);
        if let Some((place, _)) = compiled.file.and_then(|path| self.file_places.get_mut(path)) {
            (place.block, place.offset) = (block, offset as u32);
        }
    }

    /// Adds files, several to a block.
    fn add_files(&mut self, files: &[(&str, &[u8])], compression: Compression) -> Result<(), BuildError> {
        let first = self.blocks.len() as u32;
        let mut groups: Vec<Vec<u8>> = Vec::new();
        for (path, contents) in files {
            if groups.last().is_none_or(|group| group.len() + contents.len() > GROUP) {
                groups.push(Vec::new());
            }
            let (block, group) = (groups.len() as u32 - 1, groups.last_mut());
            let (Some(group), Some((place, _))) = (group, self.file_places.get_mut(*path)) else { continue };
            (place.block, place.offset) = (first + block, group.len() as u32);
            group.extend(*contents);
        }
        self.blocks.extend(compress(&groups, &[], compression)?);
        Ok(())
    }

    fn assemble(
        &self,
        names: &[u8],
        entries: &[u8],
        modules: &[u8],
        metadata: &[u8],
    ) -> Result<Vec<u8>, BuildError> {
        let mut bytes = vec![0; HEADER];
        let mut sections = Vec::new();
        let section = |bytes: &mut Vec<u8>, contents: &[u8]| {
            bytes.resize(bytes.len().next_multiple_of(16), 0);
            let offset = bytes.len();
            bytes.extend(contents);
            [offset as u64, contents.len() as u64]
        };
        sections.extend(section(&mut bytes, names));
        sections.extend(section(&mut bytes, entries));
        sections.extend(section(&mut bytes, modules));
        // The block table's size is known, its contents follow from where it ends.
        let table = section(&mut bytes, &vec![0; self.blocks.len() * RECORD]);
        sections.extend(table);
        sections.extend(section(&mut bytes, metadata));
        let index_end = bytes.len();

        let mut records = Vec::with_capacity(self.blocks.len() * RECORD);
        for block in &self.blocks {
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
            records.extend((bytes.len() as u64).to_le_bytes());
            put(&mut records, &[length_of(&block.stored, "block")?, block.length]);
            records.extend(checksum(&block.stored).to_le_bytes());
            records.extend([block.codec, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend(&block.stored);
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes[table[0] as usize..][..records.len()].copy_from_slice(&records);

        let length = (bytes.len() + crate::layout::TRAILER) as u64;
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        put(&mut header, &[VERSION, 0]);
        header.extend(length.to_le_bytes());
        for number in sections {
            header.extend(number.to_le_bytes());
        }
        put(&mut header, &[self.dictionary, 0]);
        header.extend(checksum(&bytes[HEADER..index_end]).to_le_bytes());
        header.extend(checksum(&header).to_le_bytes());
        bytes[..HEADER].copy_from_slice(&header);

        let sum = checksum(&bytes);
        bytes.extend(length.to_le_bytes());
        bytes.extend(sum.to_le_bytes());
        bytes.extend(END_MAGIC);
        Ok(bytes)
    }
}

fn put(record: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        record.extend(number.to_le_bytes());
    }
}

fn length_of(bytes: &[u8], name: &str) -> Result<u32, BuildError> {
    u32::try_from(bytes.len()).map_err(|_| BuildError::TooLarge(name.to_owned()))
}

fn place(block: u32, offset: usize, contents: &[u8], name: &str) -> Result<Place, BuildError> {
    let offset = u32::try_from(offset).map_err(|_| BuildError::TooLarge(name.to_owned()))?;
    Ok(Place { block, offset, length: length_of(contents, name)?, checksum: short_checksum(contents) })
}

/// A dictionary made from samples; empty when there are too few of them to make one. More than a hundredth of what it is for
/// takes more room than it saves.
fn train(samples: &[&[u8]], compression: Compression) -> Vec<u8> {
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    let size = compression.dictionary.min(total / 100);
    if samples.len() < 32 || size < SMALLEST_DICTIONARY {
        return Vec::new();
    }
    zstd::dict::from_samples(samples, size).unwrap_or_default()
}

/// Compresses each of `contents` by itself, on all cores, in order.
fn compress(
    contents: &[impl AsRef<[u8]> + Sync],
    dictionary: &[u8],
    compression: Compression,
) -> Result<Vec<Block>, BuildError> {
    let prepared = (!dictionary.is_empty()).then(|| EncoderDictionary::copy(dictionary, compression.level));
    contents
        .par_iter()
        .map(|contents| {
            let contents = contents.as_ref();
            let mut compressor = match &prepared {
                Some(dictionary) => Compressor::with_prepared_dictionary(dictionary),
                None => Compressor::new(compression.level),
            }
            .map_err(BuildError::Compression)?;
            let packed = compressor.compress(contents).map_err(BuildError::Compression)?;
            let length = length_of(contents, "block")?;
            // What does not shrink, such as an archive in the tree, is read faster as it is.
            Ok(if packed.len() > contents.len() - contents.len() / 32 {
                Block { stored: contents.to_vec(), length, codec: STORED }
            } else {
                Block { stored: packed, length, codec: if prepared.is_some() { ZSTD_CODE } else { ZSTD } }
            })
        })
        .collect()
}
