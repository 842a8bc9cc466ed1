//! How far apart two words are written. Compares letters; never says which word was meant.

/// How many letters must be put in, left out, changed or swapped with their neighbour to get from one to the other
/// (Damerau and Levenshtein; a pair that was swapped is not changed again).
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (index, a) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, b) in other.iter().enumerate() {
            let at = |cells: &[usize], column: usize| cells.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&row, column) + usize::from(a != *b))
                .min(at(&row, column + 1) + 1)
                .min(at(&next, column) + 1);
            let swapped = column > 0 && previous == Some(*b) && other.get(column - 1) == Some(&a);
            if swapped {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
        previous = Some(a);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_count_one_each() {
        for (one, other, wanted) in [
            ("", "", 0),
            ("a", "", 1),
            ("cat", "act", 1),
            ("cat", "cart", 1),
            ("oak", "ash", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(one, other), wanted, "{one} and {other}");
            assert_eq!(distance(other, one), wanted, "{other} and {one}");
        }
    }
}
