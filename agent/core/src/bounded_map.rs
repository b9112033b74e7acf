//! A map that holds so many entries and no more.

use hashlink::LinkedHashMap;
use std::hash::{BuildHasher, Hash};

/// A map with a bound. At the bound, a new entry takes the place of the oldest one, which is counted.
///
/// Whether an evicted entry is a loss is for the owner to say: a cache only looks it up again.
#[derive(Debug)]
pub struct BoundedMap<K, V, S = foldhash::fast::RandomState> {
    entries: LinkedHashMap<K, V, S>,
    capacity: usize,
    evicted: u64,
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> BoundedMap<K, V, S> {
    /// An empty map for at most `capacity` entries. It takes memory as it grows.
    pub fn new(capacity: usize) -> Self {
        Self { entries: LinkedHashMap::default(), capacity, evicted: 0 }
    }

    /// The value of this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// The value of this key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// The value of this key, to change it. If there is none, `value` makes one, and the oldest entry may make room.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.capacity {
            self.evicted += u64::from(self.entries.pop_front().is_some());
        }
        self.entries.entry(key).or_insert_with(value)
    }

    /// Sets the value of a key, as the newest entry. Returns the value that it had, and the entry that made room.
    pub fn insert(&mut self, key: K, value: V) -> Replaced<K, V> {
        let former = self.entries.insert(key, value);
        let evicted = (self.entries.len() > self.capacity).then(|| self.entries.pop_front());
        let evicted = evicted.flatten();
        self.evicted += u64::from(evicted.is_some());
        Replaced { former, evicted }
    }

    /// Removes the entry of this key.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key)
    }

    /// Removes the oldest entry, for want of room for something else.
    pub fn evict(&mut self) -> Option<(K, V)> {
        let evicted = self.entries.pop_front();
        self.evicted += u64::from(evicted.is_some());
        evicted
    }

    /// Removes all entries. This is no eviction.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// All entries, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries made room for others, until now.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// What an insertion took out of the map.
#[derive(Debug, PartialEq, Eq)]
pub struct Replaced<K, V> {
    /// The value that the key had before.
    pub former: Option<V>,
    /// The oldest entry, if there was no more room.
    pub evicted: Option<(K, V)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_makes_room_and_is_counted() {
        let mut map: BoundedMap<u32, &str> = BoundedMap::new(2);
        for (key, value) in [(1, "a"), (2, "b"), (1, "c")] {
            assert_eq!(map.insert(key, value).evicted, None);
        }
        // Set again, 1 is newer than 2.
        assert_eq!(map.insert(3, "d"), Replaced { former: None, evicted: Some((2, "b")) });
        assert_eq!((map.get(&1), map.get(&2), map.len()), (Some(&"c"), None, 2));
        assert_eq!(map.evicted(), 1);
        // An entry that was removed takes no place.
        assert_eq!(map.remove(&1), Some("c"));
        assert_eq!(map.insert(4, "e").evicted, None);
    }
}
