//! Writes the files of a library as the corpus of every target: `seed LIBRARY CORPUS`.

use std::fs;
use std::path::Path;

use rspy_fuzz::TARGETS;
use rspy_fuzz::mutation::Corpus;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, output] = &arguments[..] else { panic!("usage: seed LIBRARY CORPUS") };
    let corpus = Corpus::read(Path::new(library));
    for (target, _) in TARGETS {
        let folder = Path::new(output).join(target);
        fs::create_dir_all(&folder)?;
        for (number, input) in corpus.seeds(target).iter().enumerate() {
            fs::write(folder.join(format!("library-{number}")), input)?;
        }
    }
    Ok(())
}
