// Draws a dashboard about as Grafana would: its grid, and each panel with what Prometheus answered.
'use strict';
const { dashboard, answers, choices, start, end } = JSON.parse(document.getElementById('data').textContent);
const colours = { green: '#3c8f43', orange: '#d9730d', red: '#d0312d', blue: '#3871c2' };
const palette = ['#73bf69', '#f2cc0c', '#5794f2', '#ff780a', '#f2495c', '#b877d9', '#37872d', '#8ab8ff', '#ffa6b0', '#c4a000'];

function element(name, parent, attributes = {}, text = '') {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

function shape(name, parent, attributes, text = '') {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

// About three digits, as Grafana has it.
function digits(value) {
  return Number(value.toPrecision(3)).toString();
}

function shown(value, unit) {
  switch (unit) {
    case 'percentunit': return digits(value * 100) + '%';
    case 'reqps': return digits(value) + ' req/s';
    case 'cps': return digits(value) + ' c/s';
    case 's': return value < 1 ? digits(value * 1000) + ' ms' : digits(value) + ' s';
    case 'bytes': return digits(value / 1024 / 1024) + ' MiB';
    default: return Math.abs(value) >= 1000 ? digits(value / 1000) + ' K' : digits(value);
  }
}

function legend(template, labels) {
  return template.replace(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? '').trim() || '(empty)';
}

// All series of a panel: [{ name, labels, points: [[time, value]] }], numbers only.
function series(panel) {
  return panel.targets.flatMap((target) => (answers[panel.id]?.[target.refId] ?? []).map((found) => ({
    name: legend(target.legendFormat ?? '', found.metric),
    labels: found.metric,
    points: (found.values ?? [found.value]).map(([at, value]) => [at, Number(value)]).filter(([, value]) => isFinite(value)),
  }))).filter((found) => found.points.length > 0);
}

function last(found) {
  return found.points[found.points.length - 1][1];
}

function colour(panel, value) {
  const steps = panel.fieldConfig.defaults.thresholds.steps;
  return colours[steps.filter((step) => step.value == null || value >= step.value).pop().color];
}

function path(points, across, down) {
  return points.map(([at, value], index) => `${index ? 'L' : 'M'}${across(at).toFixed(1)},${down(value).toFixed(1)}`).join('');
}

const draw = {
  stat(panel, answer) {
    const [found] = series(panel);
    answer.classList.add('stat');
    const value = found ? shown(last(found), panel.fieldConfig.defaults.unit) : panel.fieldConfig.defaults.noValue;
    answer.style.background = found ? colour(panel, last(found)) : 'var(--soft)';
    if (found && found.points.length > 1) {
      const top = Math.max(...found.points.map(([, each]) => each), 1e-9);
      const svg = shape('svg', answer, { viewBox: '0 0 100 40', preserveAspectRatio: 'none' });
      const course = path(found.points, (at) => 100 * (at - start) / (end - start), (each) => 40 - 40 * Math.max(each, 0) / top);
      shape('path', svg, { d: course, fill: 'none', stroke: '#fff', 'stroke-width': 1 });
    }
    element('div', answer, { class: found ? 'value' : 'value words' }, value);
  },

  timeseries(panel, answer) {
    const all = series(panel);
    answer.classList.add('lines');
    const { unit, custom } = panel.fieldConfig.defaults;
    const stacked = custom.stacking.mode === 'normal';
    const { width, height } = answer.getBoundingClientRect();
    const [w, h, left, foot] = [width - 16, height - 52, 78, 18];
    const svg = shape('svg', answer, { viewBox: `0 0 ${w} ${h}` });
    const below = new Map();
    const tops = all.map((found) => found.points.map(([at, value]) => {
      const from = stacked ? below.get(at) ?? 0 : 0;
      below.set(at, from + value);
      return [at, from + value];
    }));
    const values = tops.flat().map(([, value]) => value);
    const high = Math.max(...values, 1e-9) * 1.1;
    const low = Math.min(0, ...values);
    const across = (at) => left + (w - left - 4) * (at - start) / (end - start);
    const down = (value) => 6 + (h - foot - 6) * (high - value) / (high - low);
    for (let step = 0; step <= 3; step++) {
      const value = low + (high - low) * step / 3;
      shape('line', svg, { x1: left, x2: w, y1: down(value), y2: down(value), stroke: 'var(--line)' });
      shape('text', svg, { x: left - 6, y: down(value) + 4, 'text-anchor': 'end' }, shown(value, unit));
      const at = start + (end - start) * step / 3;
      const time = new Date(at * 1000).toISOString().slice(11, 19);
      shape('text', svg, { x: across(at), y: h - 3, 'text-anchor': step === 3 ? 'end' : step ? 'middle' : 'start' }, time);
    }
    const names = element('div', answer, { class: 'legend' });
    [...all.keys()].reverse().forEach((index) => {
      const line = path(tops[index], across, down);
      const tint = palette[index % palette.length];
      if (stacked) {
        const [first, final] = [tops[index][0][0], tops[index][tops[index].length - 1][0]];
        shape('path', svg, { d: `${line}L${across(final)},${down(0)}L${across(first)},${down(0)}Z`, fill: tint, 'fill-opacity': .4 });
      }
      shape('path', svg, { d: line, fill: 'none', stroke: tint, 'stroke-width': 1.5 });
      if (tops[index].length === 1) shape('circle', svg, { cx: across(tops[index][0][0]), cy: down(tops[index][0][1]), r: 2, fill: tint });
    });
    for (const each of panel.targets.flatMap((target) => answers[panel.id]?.[`${target.refId} exemplars`] ?? [])) {
      const at = across(each.timestamp);
      if (at >= left) shape('path', svg, { d: `M${at},${h - foot - 14}l4,4l-4,4l-4,-4Z`, fill: '#5794f2', class: 'exemplar' });
    }
    all.forEach((found, index) => {
      const name = element('span', names);
      element('i', name, { style: `background:${palette[index % palette.length]}` });
      name.append(found.name);
    });
  },

  bargauge(panel, answer) {
    answer.classList.add('bars');
    const all = series(panel).sort((one, other) => last(other) - last(one));
    const most = Math.max(...all.map(last), 1e-9);
    for (const found of all) {
      element('div', answer, { class: 'name', title: found.name }, found.name);
      const bar = element('div', element('div', answer), { class: 'bar' });
      bar.style.cssText = `width:${100 * last(found) / most}%;background:${colour(panel, last(found))}`;
      element('div', answer, { class: 'much' }, shown(last(found), panel.fieldConfig.defaults.unit));
    }
  },

  table(panel, answer) {
    const options = panel.transformations?.[0].options;
    const all = series(panel).sort((one, other) => last(other) - last(one));
    if (!options || all.length === 0) return;
    const columns = Object.keys(options.indexByName).sort((one, other) => options.indexByName[one] - options.indexByName[other]);
    const table = element('table', answer);
    const head = element('tr', element('thead', table));
    for (const column of columns) element('th', head, {}, options.renameByName[column]);
    const body = element('tbody', table);
    // As many as fit: Grafana scrolls.
    for (const found of all.slice(0, Math.floor((answer.clientHeight - 30) / 25))) {
      const row = element('tr', body);
      for (const column of columns) {
        const cell = column === 'Value' ? shown(last(found), panel.fieldConfig.defaults.unit) : found.labels[column] ?? '';
        element('td', row, {}, cell);
      }
    }
  },
};

element('h1', document.body, {}, dashboard.title);
element('p', document.body, { class: 'about' }, dashboard.description);
const chosen = element('div', document.body, { class: 'choices' });
for (const variable of dashboard.templating.list) {
  const choice = element('span', chosen);
  element('b', choice, {}, variable.label);
  choice.append(choices[variable.name] ?? '');
}
const grid = element('div', document.body, { class: 'grid' });
for (const panel of dashboard.panels) {
  const { x, y, w, h } = panel.gridPos;
  const place = `grid-column:${x + 1}/span ${w};grid-row:${y + 1}/span ${h}`;
  if (panel.type === 'row') {
    element('div', grid, { class: 'row', style: place }, panel.title);
    continue;
  }
  const box = element('section', grid, { class: 'panel', style: place, 'data-id': panel.id, title: panel.description });
  element('h2', box, {}, panel.title);
  const answer = element('div', box, { class: 'answer' });
  draw[panel.type](panel, answer);
  const isEmpty = panel.type !== 'stat' && series(panel).length === 0;
  box.dataset.empty = panel.type === 'stat' ? series(panel).length === 0 : isEmpty;
  if (isEmpty) {
    answer.replaceChildren();
    const why = panel.datasource.type === 'prometheus' ? panel.fieldConfig.defaults.noValue : 'asked of the store of traces';
    element('div', answer, { class: 'empty' }, why);
  }
}

// Panels whose text does not fit.
function overflowing() {
  const found = [];
  for (const panel of document.querySelectorAll('.panel')) {
    const edge = panel.getBoundingClientRect();
    for (const part of panel.querySelectorAll('h2, .value, .legend span, .name, .much, th, td, text, .empty')) {
      const box = part.getBoundingClientRect();
      const legend = part.closest('.legend');
      const hidden = legend && box.top >= legend.getBoundingClientRect().bottom;
      const outside = box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 || box.bottom > edge.bottom + 1;
      if (!hidden && (outside || part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)) {
        found.push(`${panel.querySelector('h2').textContent}: ${part.textContent}`);
      }
    }
  }
  return found;
}
