/**
 * Mixed code that a model reads once, to learn which directions of its output head's input matter (`headCopy.ts`). What it says is of no
 * importance; that it is code of many kinds is.
 */
export const HEAD_TEXTS: readonly string[] = [
  `import { readFile } from "node:fs/promises";
import path from "node:path";

interface Entry {
  readonly name: string;
  readonly size: number;
}

/** Reads the index of a folder; an index that is not there is empty. */
export async function readIndex(folder: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    const text = await readFile(path.join(folder, "index.json"), "utf8");
    for (const entry of JSON.parse(text) as Entry[]) {
      entries.set(entry.name, entry);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      throw error;
    }
  }
  return entries;
}
`,
  `from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field


@dataclass
class Node:
    """A node of the tree, with what hangs below it."""

    name: str
    children: list[Node] = field(default_factory=list)

    def walk(self, depth: int = 0):
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", default=["-"])
    args = parser.parse_args(argv)
    for name in args.files:
        with open(name, encoding="utf-8") if name != "-" else sys.stdin as stream:
            for number, line in enumerate(stream, start=1):
                print(f"{number:6d}  {line.rstrip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
`,
  `#include <stdlib.h>
#include <string.h>

struct buffer {
    char  *data;
    size_t len, cap;
};

/* Grows the buffer so that \`more\` bytes fit; returns -1 if memory is short. */
static int buffer_reserve(struct buffer *b, size_t more)
{
    if (b->len + more <= b->cap)
        return 0;
    size_t cap = b->cap ? b->cap * 2 : 64;
    while (cap < b->len + more)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (data == NULL)
        return -1;
    b->data = data;
    b->cap = cap;
    return 0;
}
`,
  `package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var ErrNotFound = errors.New("store: not found")

// Memory keeps everything in a map. It is safe for concurrent use.
type Memory struct {
	mu    sync.RWMutex
	items map[string][]byte
}

func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok := m.items[key]
	if !ok {
		return nil, fmt.Errorf("get %q: %w", key, ErrNotFound)
	}
	return value, nil
}
`,
  `use std::collections::HashMap;
use std::fmt;

#[derive(Debug, Clone, PartialEq)]
pub enum Token<'a> {
    Number(f64),
    Name(&'a str),
    Op(char),
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Number(value) => write!(f, "{value}"),
            Token::Name(name) => f.write_str(name),
            Token::Op(op) => write!(f, "{op}"),
        }
    }
}

pub fn count(tokens: &[Token]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for token in tokens {
        *counts.entry(token.to_string()).or_insert(0) += 1;
    }
    counts
}
`,
  `public final class Cache<K, V> {
    private final Map<K, V> values = new LinkedHashMap<>(16, 0.75f, true);
    private final int capacity;

    public Cache(int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("capacity must be positive: " + capacity);
        }
        this.capacity = capacity;
    }

    @Override
    public synchronized V get(K key, Function<? super K, ? extends V> loader) {
        V value = values.computeIfAbsent(key, loader);
        if (values.size() > capacity) {
            Iterator<K> oldest = values.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        return value;
    }
}
`,
  `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Settings</title>
    <style>
      .row { display: flex; gap: 0.5rem; align-items: center; }
      .row label { color: #333; font: 13px/1.4 system-ui, sans-serif; }
    </style>
  </head>
  <body>
    <form id="settings" class="row">
      <label for="name">Name</label>
      <input id="name" name="name" type="text" required />
      <button type="submit" disabled>Save</button>
    </form>
    <script type="module">
      const form = document.querySelector("#settings");
      form.addEventListener("input", () => {
        form.querySelector("button").disabled = !form.checkValidity();
      });
    </script>
  </body>
</html>
`,
  `template <typename T>
class ring {
public:
    explicit ring(std::size_t n) : items_(n) {}

    bool push(T value) {
        const auto tail = tail_.load(std::memory_order_relaxed);
        const auto next = (tail + 1) % items_.size();
        if (next == head_.load(std::memory_order_acquire)) {
            return false; // full
        }
        items_[tail] = std::move(value);
        tail_.store(next, std::memory_order_release);
        return true;
    }

private:
    std::vector<T> items_;
    std::atomic<std::size_t> head_{0}, tail_{0};
};
`,
  `#!/usr/bin/env bash
set -euo pipefail

# Copies every backup that is newer than the last run.
target=\${1:?usage: $0 TARGET}
stamp="$target/.last-run"
find /var/backups -type f -name '*.tar.gz' \${stamp:+-newer "$stamp"} | while read -r file; do
  echo "copying $file" >&2
  cp --preserve=timestamps "$file" "$target/"
done
touch "$stamp"
`,
  `SELECT c.id, c.name, COUNT(o.id) AS orders, COALESCE(SUM(o.total), 0) AS revenue
FROM customers AS c
LEFT JOIN orders AS o ON o.customer_id = c.id AND o.created_at >= DATE '2024-01-01'
WHERE c.country IN ('DE', 'FR') AND c.deleted_at IS NULL
GROUP BY c.id, c.name
HAVING COUNT(o.id) > 3
ORDER BY revenue DESC;
`,
  `{
  "name": "example",
  "version": "1.4.2",
  "type": "module",
  "scripts": { "build": "tsc -p .", "test": "mocha 'test/**/*.test.js'" },
  "dependencies": { "express": "^4.19.2", "react": "^18.3.1" }
}
`,
  `import React, { useEffect, useState } from "react";

export default function UserList({ api, onSelect }) {
  const [users, setUsers] = useState([]);
  const [error, setError] = useState(null);

  useEffect(() => {
    let cancelled = false;
    api.fetchUsers().then(
      (result) => !cancelled && setUsers(result),
      (reason) => !cancelled && setError(reason.message),
    );
    return () => {
      cancelled = true;
    };
  }, [api]);

  if (error !== null) return <p className="error">Could not load users: {error}</p>;
  return (
    <ul>
      {users.map((user) => (
        <li key={user.id} onClick={() => onSelect(user)}>
          {user.name}
        </li>
      ))}
    </ul>
  );
}
`,
  `# 設定ファイルを読み込む。存在しない場合は既定値を返す。
def load_config(path):
    # 如果文件不存在，则返回默认配置
    if not os.path.exists(path):
        return dict(DEFAULTS)
    # Читаем файл построчно и пропускаем пустые строки
    with open(path, encoding="utf-8") as f:
        return dict(line.strip().split("=", 1) for line in f if line.strip())
`,
];
