//! "Did you mean": the name that is nearest to a mistyped one.

/// More candidates than this are not looked at.
const MOST_CANDIDATES: usize = 750;
/// Longer names are not compared.
const LONGEST_NAME: usize = 40;
/// The cost of adding, removing or replacing a byte.
const MOVE: usize = 2;
/// The cost of another case.
const CASE: usize = 1;

/// The candidate nearest to a name, if one is near enough.
pub fn closest(candidates: &[String], name: &str) -> Option<String> {
    if candidates.len() >= MOST_CANDIDATES {
        return None;
    }
    let mut best: Option<(usize, &String)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        // No more than a third of the characters should need to be changed.
        let mut limit = (name.len() + candidate.len() + 3) * MOVE / 6;
        if let Some((distance, _)) = best {
            limit = limit.min(distance.saturating_sub(1));
        }
        let distance = distance(name.as_bytes(), candidate.as_bytes(), limit);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.clone())
}

fn substitution(a: u8, b: u8) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE
    } else {
        MOVE
    }
}

/// The weighted Levenshtein distance; anything above the limit where it is greater.
pub fn distance(a: &[u8], b: &[u8], limit: usize) -> usize {
    let prefix = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[prefix..], &b[prefix..]);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - suffix], &b[..b.len() - suffix]);
    if a.is_empty() || b.is_empty() {
        return (a.len() + b.len()) * MOVE;
    }
    if a.len() > LONGEST_NAME || b.len() > LONGEST_NAME {
        return limit + 1;
    }
    let (short, long) = if b.len() < a.len() { (b, a) } else { (a, b) };
    if (long.len() - short.len()) * MOVE > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (1..=short.len()).map(|moves| moves * MOVE).collect();
    let mut result = 0;
    for (index, &byte) in long.iter().enumerate() {
        let mut diagonal = index * MOVE;
        result = diagonal;
        let mut least = usize::MAX;
        for (place, &other) in row.iter_mut().zip(short) {
            let replaced = diagonal + substitution(byte, other);
            diagonal = *place;
            result = (result.min(diagonal) + MOVE).min(replaced);
            *place = result;
            least = least.min(result);
        }
        if least > limit {
            return limit + 1;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(candidates: &[&str], name: &str) -> Option<String> {
        let candidates: Vec<String> = candidates.iter().map(|&candidate| candidate.to_owned()).collect();
        closest(&candidates, name)
    }

    #[test]
    fn near_names_are_found() {
        assert_eq!(best(&["blech", "bluch", "other"], "bluch2"), Some("bluch".to_owned()));
        assert_eq!(best(&["somethingverywrong"], "bluch"), None);
        assert_eq!(best(&["Name"], "name"), Some("Name".to_owned()));
        assert_eq!(distance(b"", b"abc", 100), 6);
        assert_eq!(distance(b"ABC", b"abc", 100), 3);
        assert_eq!(distance(b"python", b"thonpy", 100), 8);
    }
}
