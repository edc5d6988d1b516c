interface Folder {
  readonly name: string;
  readonly uri: { readonly path: string };
}

/** What of a folder's path, before its name, tells it from others that are called alike: `one/`; "" where none is. */
export function parentsThatTell(folder: Folder, all: readonly Folder[]): string {
  const own = parents(folder);
  const others = all
    .filter((one) => one.name === folder.name && one.uri.path !== folder.uri.path)
    .map(parents);
  const told = (count: number): string => own.slice(own.length - count).join("/");
  for (let count = 1; others.length > 0 && count <= own.length; count++) {
    const shown = told(count);
    if (others.every((other) => other.slice(Math.max(0, other.length - count)).join("/") !== shown)) {
      return `${shown}/`;
    }
  }
  return "";
}

const parents = ({ uri }: Folder): string[] => uri.path.split("/").filter(Boolean).slice(0, -1);
