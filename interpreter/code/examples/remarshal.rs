//! Reads marshalled code objects and writes them again; reports files whose bytes differ.
//!
//! `REMARSHAL_VERSION` is the version they are written in, `REMARSHAL_OUTPUT` a folder for what differs.

fn main() {
    let version = std::env::var("REMARSHAL_VERSION").ok().and_then(|version| version.parse().ok());
    let version = version.unwrap_or(rspy_code::marshal::VERSION);
    let mut same = 0;
    let mut total = 0;
    for path in std::env::args().skip(1) {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("{path}: {error}");
                continue;
            }
        };
        total += 1;
        match rspy_code::marshal::load(&bytes) {
            Ok(code) => match rspy_code::marshal::dump(&code, version) {
                Ok(again) if again == bytes => same += 1,
                Ok(again) => {
                    let position = again.iter().zip(&bytes).take_while(|(left, right)| left == right).count();
                    println!("{path}: differs at {position}");
                    if let Ok(folder) = std::env::var("REMARSHAL_OUTPUT") {
                        let _ = std::fs::write(format!("{folder}/{same}_{total}.m"), again);
                    }
                }
                Err(error) => println!("{path}: {error}"),
            },
            Err(error) => println!("{path}: {error}"),
        }
    }
    println!("{same} of {total} files are the same");
}
