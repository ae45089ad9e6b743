// Filters on numbers. Expected values are what Python's jinja2 3.1.6 prints (scripts/jinja-oracle/render.py).
import { describePrints } from "../oracle/cases.ts";

describePrints("int", {
  prints: [
    ["{{ '12'|int }}", "12"],
    ["{{ 'x'|int }}", "0"],
    ["{{ 'x'|int(5) }}", "5"],
    ["{{ 3.7|int }}", "3"],
    ["{{ -3.7|int }}", "-3"],
    ["{{ '3.9'|int }}", "3"],
    ["{{ '1e3'|int }}", "1000"],
    ["{{ ' 12 '|int }}", "12"],
    ["{{ '1_000'|int }}", "1000"],
    ["{{ '0x1A'|int(base=16) }}", "26"],
    ["{{ '0b11'|int(0, 2) }}", "3"],
    ["{{ '0o17'|int(0, 0) }}", "15"],
    ["{{ 'z'|int(0, 36) }}", "35"],
    ["{{ '9'|int(1, 8) }}", "9"],
    ["{{ none|int }}", "0"],
    ["{{ [1]|int(none) }}", "None"],
    ["{{ true|int }}", "1"],
    ["{{ '٣'|int }}", "3"],
    ["{{ '12345678901234567890'|int }}", "12345678901234567890"],
  ],
  refuses: ["{{ missing|int }}"],
});

describePrints("float", {
  prints: [
    ["{{ '2.5'|float }}", "2.5"],
    ["{{ 'x'|float }}", "0.0"],
    ["{{ 'x'|float(1.5) }}", "1.5"],
    ["{{ none|float }}", "0.0"],
    ["{{ '1_0'|float }}", "10.0"],
    ["{{ 5|float }}", "5.0"],
    ["{{ '.5'|float }}", "0.5"],
    ["{{ '1e400'|float }}", "inf"],
  ],
  refuses: ["{{ missing|float }}"],
});

describePrints("round", {
  prints: [
    ["{{ 2.5|round }}", "2.0"],
    ["{{ -2.5|round }}", "-2.0"],
    ["{{ 3.14159|round(2) }}", "3.14"],
    ["{{ 1.005|round(2) }}", "1.0"],
    ["{{ 2.25|round(1,'floor') }}", "2.2"],
    ["{{ 2.5|round(0,'ceil') }}", "3.0"],
    ["{{ 25|round(-1) }}", "20"],
    ["{{ 35|round(-1) }}", "40"],
    ["{{ 1234.5|round(-2) }}", "1200.0"],
    ["{{ 7|round }}", "7"],
    ["{{ true|round }}", "1"],
  ],
  refuses: ["{{ 'x'|round }}", "{{ 2|round(1,'zzz') }}"],
});

describePrints("abs and filesizeformat", {
  prints: [
    ["{{ -3|abs }}", "3"],
    ["{{ -2.5|abs }}", "2.5"],
    ["{{ true|abs }}", "1"],
    ["{{ 1|filesizeformat }}", "1 Byte"],
    ["{{ 0|filesizeformat }}", "0 Bytes"],
    ["{{ 999|filesizeformat }}", "999 Bytes"],
    ["{{ 1000|filesizeformat }}", "1.0 kB"],
    ["{{ 999999|filesizeformat }}", "1000.0 kB"],
    ["{{ 1500000|filesizeformat(true) }}", "1.4 MiB"],
    ["{{ '5'|filesizeformat }}", "5 Bytes"],
    ["{{ 1e30|filesizeformat }}", "1000000.0 YB"],
  ],
  refuses: ["{{ 'x'|abs }}"],
});
