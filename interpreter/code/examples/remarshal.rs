//! Reads marshalled code objects and writes them again; reports files whose bytes differ.

fn main() {
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
            Ok(code) => match rspy_code::marshal::dump(&code, rspy_code::marshal::VERSION) {
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
