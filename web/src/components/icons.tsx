// Line icons of 24 units, drawn for this page.
const kPaths = {
  add: "M12 5v14M5 12h14",
  attach: "M20 11.500l-7.700 7.700a5 5 0 0 1-7.100-7.100l8.200-8.200a3.300 3.300 0 0 1 4.700 4.700l-8.200 8.200a1.600 1.600 0 0 1-2.300-2.300l7.200-7.200",
  branch: "M7 4v16M7 14c7 0 10-2.500 10-7M17 7a1.800 1.800 0 1 0 0-3.600A1.800 1.800 0 0 0 17 7",
  check: "M5 12.500l4.500 4.500L19 7.500",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  down: "M6 9l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  export: "M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  gauge: "M4 18a8.500 8.500 0 1 1 16 0M12 15l4-5",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M18.400 5.600l-2.100 2.100M7.700 16.300l-2.100 2.100",
  go_on: "M5 5l7 7-7 7M13 5l7 7-7 7",
  instant: "M13 3L5 14h6l-1 7 8-11h-6z",
  expert: "M12 3l2.500 6L21 11.500 14.500 14 12 21l-2.500-7L3 11.500 9.500 9z",
  keyboard: "M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 15h8",
  left: "M15 6l-6 6 6 6",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  play: "M4 6l6 6-6 6M12 18h8",
  repeat: "M4 12a8 8 0 0 1 14-5.300L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.300L4 15M4 20v-5h5",
  right: "M9 6l6 6-6 6",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  send: "M12 20V5M6 11l6-6 6 6",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  stop: "M7 7h10v10H7z",
  thought: "M9 18h6M10 21h4M12 3a6 6 0 0 0-3.500 10.900c.700.600 1 1.300 1 2.100h5c0-.800.300-1.500 1-2.100A6 6 0 0 0 12 3",
  tool: "M14 6a4 4 0 0 1 5.500-1.500L17 7l.5 2 2 .5 2.200-2.500A4.500 4.500 0 0 1 15 12l-7.500 8a2.300 2.300 0 0 1-3.300-3.300L12 9.500A4 4 0 0 1 14 6",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v6M14 11v6",
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={kPaths[name]} />
    </svg>
  );
}

export function IconButton({ name, label, act, active, disabled }: {
  name: IconName; label: string; act: () => void; active?: boolean; disabled?: boolean;
}) {
  return (
    <button type="button" class="icon-button" title={label} aria-label={label} aria-pressed={active} disabled={disabled}
      onClick={act}>
      <Icon name={name} />
    </button>
  );
}
