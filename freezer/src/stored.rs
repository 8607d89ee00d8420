//! Zip archives without their own compression: the container's compresses all their files at once, and better.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The archive with the same files in the same order, each stored as it is; nothing if it is none.
pub fn stored(archive: &[u8]) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).ok()?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..archive.len() {
        let mut file = archive.by_index(number).ok()?;
        let name = file.name().ok()?.into_owned();
        let mut contents = Vec::with_capacity(file.size() as usize);
        file.read_to_end(&mut contents).ok()?;
        let mut options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        if let Some(mode) = file.unix_mode() {
            options = options.unix_permissions(mode);
        }
        if let Some(time) = file.last_modified() {
            options = options.last_modified_time(time);
        }
        if file.is_dir() {
            writer.add_directory(name, options).ok()?;
        } else {
            writer.start_file(name, options).ok()?;
            writer.write_all(&contents).ok()?;
        }
    }
    Some(writer.finish().ok()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_what_they_are() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file("a/b.py", options).unwrap();
        writer.write_all(&b"text ".repeat(1000)).unwrap();
        let packed = writer.finish().unwrap().into_inner();
        let result = stored(&packed).unwrap();
        assert!(packed.len() < 1000 && result.len() > 5000);
        assert_eq!(stored(&result).unwrap(), result);
        let mut archive = ZipArchive::new(Cursor::new(result)).unwrap();
        let mut text = String::new();
        archive.by_name("a/b.py").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text ".repeat(1000));
        assert_eq!(stored(b"no archive"), None);
    }
}
