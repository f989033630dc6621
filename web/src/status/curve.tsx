// The last minutes of a figure as a line.
const kWidth = 240;
const kHeight = 48;

export function Curve({ values, label }: { values: number[]; label: string }) {
  const most = Math.max(1e-9, ...values);
  const step = kWidth / Math.max(1, values.length - 1);
  const points = values.map((value, index) =>
    `${(index * step).toFixed(1)},${(kHeight - 2 - (value / most) * (kHeight - 4)).toFixed(1)}`);
  return (
    <svg class="curve" viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {points.length > 1 && <polygon points={`0,${kHeight} ${points.join(" ")} ${kWidth},${kHeight}`} />}
      {points.length > 1 && <polyline points={points.join(" ")} />}
    </svg>
  );
}
