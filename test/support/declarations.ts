/**
 * @module Whether a source file declares a name that a document gives: a function, class, constant, type or interface, or a method
 * (`Class.method`). By text: the compiler has no interface to ask yet, and a document's names are plain.
 */

const escaped = (name: string): string => name.replaceAll(/[$#]/g, String.raw`\$&`);

/**
 * @param source text of a TypeScript file; comments count for nothing
 * @param name `reserve`, `TanLedger` or `TanLedger.reserve`
 * @returns whether the file itself declares it; an import or a use is no declaration
 */
export function declares(source: string, name: string): boolean {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const [owner = '', member] = name.split('.');
  const keyword = '(?:function\\*?|class|const|let|interface|type)';
  const own = new RegExp(
    String.raw`^(?:export (?:default )?)?(?:declare )?(?:abstract |async )*${keyword} ${escaped(owner)}\b`,
    'm',
  );
  const found = own.exec(code);
  if (found === null) return false;
  if (member === undefined) return true;
  const rest = code.slice(found.index);
  const body = rest.slice(0, rest.search(/^\}/m));
  const modifiers = '(?:public |protected |private |static |override |readonly |async |get |set )*';
  return new RegExp(String.raw`^  ${modifiers}${escaped(member)}\s*[(<=:]`, 'm').test(body);
}
