// S3's XML documents: written from plain objects, read into plain objects.
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { malformedXml } from "./errors";

/** Content of an element. A list becomes repeated elements; undefined members are left out. */
export type XmlContent = string | number | boolean | undefined | XmlElement | readonly XmlContent[];
/** Child elements by name, in order. */
export interface XmlElement {
  readonly [name: string]: XmlContent;
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document. @param content children, or text. */
export function xmlDocument(root: string, content: XmlContent, namespace: string | undefined = NAMESPACE): string {
  const attribute = namespace ? ` xmlns="${namespace}"` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner(content)}</${root}>`;
}

function inner(content: XmlContent): string {
  if (content === undefined) return "";
  if (typeof content !== "object") return escape(String(content));
  return Object.entries(content as XmlElement)
    .map(([name, value]) => element(name, value))
    .join("");
}

function element(name: string, value: XmlContent): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((item: XmlContent) => element(name, item)).join("");
  return `<${name}>${inner(value)}</${name}>`;
}

/** Escapes text; characters that XML 1.0 cannot hold are written as references, as S3 does. */
function escape(text: string): string {
  return text.replace(/[&<>"\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f]/g, (character) => {
    if (character === "&") return "&amp;";
    if (character === "<") return "&lt;";
    if (character === ">") return "&gt;";
    return character === '"' ? "&quot;" : `&#x${character.charCodeAt(0).toString(16)};`;
  });
}

/** A parsed element: text, or children. Every child is a list. */
export type ParsedXml = string | Readonly<Record<string, readonly ParsedXml[]>>;

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  isArray: () => true,
  processEntities: true,
});

/** Children of the document's root. @throws AwsError MalformedXML when it is not XML or has another root. */
export function parseXml(text: string, root: string): XmlReader {
  if (XMLValidator.validate(text) !== true) throw malformedXml();
  const document = parser.parse(text) as Record<string, readonly ParsedXml[] | undefined>;
  const found = document[root]?.[0];
  if (found === undefined) throw malformedXml();
  return new XmlReader(found);
}

/** Typed access to an element. */
export class XmlReader {
  constructor(private readonly content: ParsedXml) {}

  children(name: string): readonly XmlReader[] {
    if (typeof this.content === "string") return [];
    return (this.content[name] ?? []).map((child) => new XmlReader(child));
  }

  names(): readonly string[] {
    return typeof this.content === "string" ? [] : Object.keys(this.content).filter((name) => name !== "#text");
  }

  /** Text of the only child of that name; undefined when there is none. */
  text(name: string): string | undefined {
    const found = this.children(name)[0]?.content;
    if (found === undefined) return undefined;
    return typeof found === "string" ? found : "";
  }
}
