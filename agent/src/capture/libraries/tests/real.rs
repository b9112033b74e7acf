use super::*;

#[test]
fn dump() {
    for path in std::env::var("DUMP").unwrap_or_default().split(':').filter(|p| !p.is_empty()) {
        for uretprobe in [true, false] {
            let start = std::time::Instant::now();
            let found = look(path, uretprobe);
            println!("== {path} uretprobe {uretprobe} {:?}", start.elapsed());
            match found {
                Ok(Some(found)) => {
                    println!("{:?} {:?} missing {:?}", found.kind, found.version, found.missing);
                    for t in found.traps {
                        println!("{:34} {:9} {:9} {:#9x} {} {:?}", t.symbol, format!("{:?}", t.function), format!("{:?}", t.place), t.offset, t.is_emulated, t.arguments);
                    }
                }
                Ok(None) => println!("none"),
                Err(e) => println!("{e}"),
            }
        }
    }
}
