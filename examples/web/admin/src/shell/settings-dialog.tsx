// SPDX-License-Identifier: MIT

import { type ReactNode, useState } from 'react';
import { useDesk, useSettings } from '../desk/hooks.ts';
import { keyHelp } from '../desk/keys.ts';
import { settings } from '../services.ts';
import { Button, Dialog, Field } from '../ui.tsx';

export function SettingsDialog(props: { opened: boolean; onClose: () => void }): ReactNode {
  const { opened, onClose } = props;
  const { chime } = useDesk();
  const current = useSettings();
  return (
    <Dialog title="Settings" opened={opened} onClose={onClose}>
      <div className="settings">
        <Switch
          label="Ring for new orders until somebody opens them"
          checked={current.sound}
          onChange={(sound) => settings.change({ sound })}
        />
        <Button onClick={chime.ring}>Test the sound</Button>
        <Notifications />
        <Switch
          label="Compact rows"
          checked={current.compact}
          onChange={(compact) => settings.change({ compact })}
        />
        <div className="settings-row">
          <Minutes
            label="Amber after (minutes)"
            value={current.amberMinutes}
            onChange={(amberMinutes) => settings.change({ amberMinutes })}
          />
          <Minutes
            label="Red after (minutes)"
            value={current.redMinutes}
            onChange={(redMinutes) => settings.change({ redMinutes })}
          />
        </div>
        <div className="settings-row">
          <Field label="Steps can be undone for">
            {(id) => (
              <select
                id={id}
                value={String(current.undoSeconds)}
                onChange={(event) =>
                  settings.change({ undoSeconds: Number(event.currentTarget.value) })
                }
              >
                <option value="0">0 s: they are sent at once</option>
                <option value="3">3 s</option>
                <option value="5">5 s</option>
                <option value="10">10 s</option>
              </select>
            )}
          </Field>
          <Field label="Colours">
            {(id) => (
              <select
                id={id}
                value={current.colours}
                onChange={(event) =>
                  settings.change({
                    colours: event.currentTarget.value as 'auto' | 'light' | 'dark',
                  })
                }
              >
                <option value="auto">As the device</option>
                <option value="light">Light</option>
                <option value="dark">Dark</option>
              </select>
            )}
          </Field>
        </div>
      </div>
    </Dialog>
  );
}

function Notifications(): ReactNode {
  const { notifications } = useSettings();
  const [isDenied, setDenied] = useState(
    typeof Notification === 'undefined' || Notification.permission === 'denied',
  );
  return (
    <>
      <Switch
        label="Notify when this tab is hidden"
        checked={notifications && !isDenied}
        onChange={(wanted) => {
          settings.change({ notifications: wanted });
          if (!wanted || typeof Notification === 'undefined') return;
          void Notification.requestPermission().then((answer) => setDenied(answer === 'denied'));
        }}
      />
      {isDenied && <p className="dimmed small">This browser does not allow notifications here.</p>}
    </>
  );
}

function Switch(props: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): ReactNode {
  return (
    <label className="switch">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}

function Minutes(props: {
  label: string;
  value: number;
  onChange: (minutes: number) => void;
}): ReactNode {
  return (
    <Field label={props.label}>
      {(id) => (
        <input
          id={id}
          type="number"
          min={0}
          max={1440}
          value={props.value}
          onChange={(event) => {
            const minutes = event.currentTarget.valueAsNumber;
            if (minutes >= 0 && minutes <= 1440) props.onChange(minutes);
          }}
        />
      )}
    </Field>
  );
}

export function HelpDialog(props: { opened: boolean; onClose: () => void }): ReactNode {
  return (
    <Dialog title="Keys" opened={props.opened} onClose={props.onClose}>
      <dl className="keys">
        {keyHelp.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
