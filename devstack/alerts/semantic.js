// Checks KQL with Kusto's own language service.
// stdin:  {"tables": {table: {column: kustoType}}, "queries": {name: text}}
// stdout: {name: {"diagnostics": ["Error:KS204:..."], "columns": {name: type}}}
'use strict';
const path = require('path');
const home = path.join(__dirname, '..', '..', 'node_modules', '@kusto', 'language-service-next');
require(path.join(home, 'bridge.min.js'));
require(path.join(home, 'Kusto.Language.Bridge.min.js'));

const Symbols = Kusto.Language.Symbols;
const TYPES = {
  string: 'String', datetime: 'DateTime', dynamic: 'Dynamic', real: 'Real',
  long: 'Long', int: 'Int', bool: 'Bool', guid: 'Guid', timespan: 'TimeSpan',
};

// The compiled C# has one JavaScript constructor for each overload; take the one that holds what it is given.
function construct(type, args, fits) {
  for (const name of Object.keys(type).filter((key) => key === 'ctor' || key.startsWith('$ctor'))) {
    try {
      const made = new type[name](...args);
      if (fits(made)) return made;
    } catch (error) {
      continue; // another overload
    }
  }
  throw new Error(`no constructor of ${type.$$name} fits`);
}

function describeTable(name, columns) {
  const symbols = Object.entries(columns).map(
    ([column, type]) => new Symbols.ColumnSymbol(column, Symbols.ScalarTypes[TYPES[type]]),
  );
  return construct(Symbols.TableSymbol, [name, symbols], (made) => made.Name === name && made.Columns.Count === symbols.length);
}

function check(text, globals) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
  const found = code.GetDiagnostics();
  const diagnostics = [];
  for (let i = 0; i < found.Count; i++) {
    const one = found.getItem(i);
    diagnostics.push(`${one.Severity}:${one.Code}:${one.Message}`);
  }
  const columns = {};
  const result = code.ResultType;
  for (let i = 0; result && result.Columns && i < result.Columns.Count; i++) {
    const column = result.Columns.getItem(i);
    columns[column.Name] = column.Type ? column.Type.Name : 'unknown';
  }
  return { diagnostics, columns };
}

const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const tables = Object.entries(asked.tables).map(([name, columns]) => describeTable(name, columns));
const database = construct(Symbols.DatabaseSymbol, ['workspace', tables], (made) => made.Tables && made.Tables.Count === tables.length);
const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);
const answers = {};
for (const [name, text] of Object.entries(asked.queries)) answers[name] = check(text, globals);
process.stdout.write(JSON.stringify(answers));
