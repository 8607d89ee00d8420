//! Container images (OCI image layout) of one executable: an archive that any container engine loads, made without one.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// Who runs the application in the container: nobody in particular, and not root.
const USER: &str = "65532:65532";
/// Where programs look for certificates.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// What goes into an image.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The name of the executable, which lies in the root.
    pub name: &'a str,
    /// The executable.
    pub executable: &'a [u8],
    /// The certificates of authorities, if the application needs them.
    pub certificates: Option<&'a [u8]>,
    /// The time that files and the image show, in seconds since 1970.
    pub modified: u64,
}

impl Image<'_> {
    /// The image as a tar archive; the same input gives the same bytes.
    pub fn archive(&self) -> io::Result<Vec<u8>> {
        let layer = self.layer()?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&layer)?;
        let packed = packed.finish()?;
        let config = self.config(&digest(&layer)).to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &packed)],
        });
        let manifest = manifest.to_string().into_bytes();
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] =
            json!({ "org.opencontainers.image.ref.name": format!("{}:latest", self.tag()) });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });
        let mut archive = self.tar();
        self.file(
            &mut archive,
            "oci-layout",
            json!({ "imageLayoutVersion": "1.0.0" }).to_string().as_bytes(),
            0o644,
        )?;
        self.file(&mut archive, "index.json", index.to_string().as_bytes(), 0o644)?;
        for folder in ["blobs/", "blobs/sha256/"] {
            self.folder(&mut archive, folder, 0o755)?;
        }
        for blob in [&config, &manifest, &packed] {
            self.file(&mut archive, &format!("blobs/sha256/{}", digest(blob)), blob, 0o644)?;
        }
        archive.into_inner()
    }

    /// The name of an image has small letters.
    fn tag(&self) -> String {
        let name: String = self
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let name = name.trim_matches('-');
        if name.is_empty() { "application".to_owned() } else { name.to_owned() }
    }

    /// The files of the container.
    fn layer(&self) -> io::Result<Vec<u8>> {
        let mut layer = self.tar();
        self.file(&mut layer, self.name, self.executable, 0o755)?;
        self.folder(&mut layer, "tmp/", 0o1777)?;
        if let Some(certificates) = self.certificates {
            for folder in ["etc/", "etc/ssl/", "etc/ssl/certs/"] {
                self.folder(&mut layer, folder, 0o755)?;
            }
            self.file(&mut layer, CERTIFICATES, certificates, 0o644)?;
        }
        layer.into_inner()
    }

    fn config(&self, layer: &str) -> Value {
        let mut environment = vec!["PATH=/".to_owned()];
        if self.certificates.is_some() {
            environment.push(format!("SSL_CERT_FILE=/{CERTIFICATES}"));
        }
        json!({
            "created": timestamp(self.modified),
            "architecture": architecture(self.executable),
            "os": "linux",
            "config": {
                "User": USER,
                "Entrypoint": [format!("/{}", self.name)],
                "Env": environment,
                "WorkingDir": "/",
            },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
            "history": [{ "created": timestamp(self.modified), "created_by": "freezer build" }],
        })
    }

    fn tar(&self) -> Builder<Vec<u8>> {
        Builder::new(Vec::new())
    }

    fn file(&self, archive: &mut Builder<Vec<u8>>, path: &str, contents: &[u8], mode: u32) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode);
        header.set_size(contents.len() as u64);
        archive.append_data(&mut header, path, contents)
    }

    fn folder(&self, archive: &mut Builder<Vec<u8>>, path: &str, mode: u32) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, mode);
        header.set_size(0);
        archive.append_data(&mut header, path, io::empty())
    }

    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.modified);
        header.set_uid(0);
        header.set_gid(0);
        header
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn descriptor(kind: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": format!("sha256:{}", digest(blob)), "size": blob.len() })
}

/// The architecture of an ELF executable, as images name it.
fn architecture(executable: &[u8]) -> &'static str {
    match executable.get(18..20) {
        Some([183, 0]) => "arm64",
        Some([243, 0]) => "riscv64",
        _ => "amd64",
    }
}

/// A time as RFC 3339 writes it.
fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the day that comes and goes is the last (Hinnant, "chrono-compatible Low-Level Date
    // Algorithms").
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap();
        entries
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut contents = Vec::new();
                entry.read_to_end(&mut contents).unwrap();
                (entry.path().unwrap().to_string_lossy().into_owned(), contents)
            })
            .collect()
    }

    #[test]
    fn every_blob_is_what_it_is_said_to_be() {
        let image = Image {
            name: "My App",
            executable: b"\x7fELF",
            certificates: Some(b"certificates"),
            modified: 1_700_000_000,
        };
        let archive = image.archive().unwrap();
        assert_eq!(archive, image.archive().unwrap());
        let files = files(&archive);
        let blob = |descriptor: &Value| {
            let name = descriptor["digest"].as_str().unwrap().replace(':', "/");
            let contents = &files[&format!("blobs/{name}")];
            assert_eq!(name, format!("sha256/{}", digest(contents)));
            assert_eq!(descriptor["size"].as_u64(), Some(contents.len() as u64));
            contents
        };
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let index = json(&files["index.json"]);
        let manifest = json(blob(&index["manifests"][0]));
        let config = json(blob(&manifest["config"]));
        assert_eq!(config["config"]["User"], USER);
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        let mut layer = Vec::new();
        flate2::read::GzDecoder::new(&blob(&manifest["layers"][0])[..]).read_to_end(&mut layer).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(&layer)));
        let inside = self::files(&layer);
        assert_eq!(inside["My App"], b"\x7fELF");
        assert_eq!(inside[CERTIFICATES], b"certificates");
    }

    #[test]
    fn times_are_written_as_dates() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(timestamp(951_827_696), "2000-02-29T12:34:56Z");
    }
}
